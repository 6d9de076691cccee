/** The plug-in author's API: ports, tokens, the packet batch and the stage interfaces. The only barrel of the project. */
export { type IpNetwork, parseIpNetwork } from './bytes/ip-network.ts';
export { formatIpv4, type Ipv4, ipv4, parseIpv4 } from './bytes/ipv4-address.ts';
export type { Bits64 } from './bytes/ipv6-address.ts';
export { msChapV2MasterKeys } from './crypto/mppe-keys.ts';
export {
  checkNtResponse,
  generateAuthenticatorResponse,
  ntPasswordHash,
  withoutDomain,
} from './crypto/ms-chap-v2.ts';
export { HEADROOM, PacketBatch, SLOT_SIZE } from './datapath/packet-batch.ts';
export { type PacketCursor, perPacket } from './datapath/per-packet.ts';
export type { Session, SessionView } from './datapath/session.ts';
export { defineSlot, type Slot } from './datapath/slots.ts';
export { type BatchStep, STAGE_SLOT, type Stage } from './datapath/stage.ts';
export { ERROR_CODES, type ErrorCode, GatewayError } from './errors.ts';
export { answerJson, readAnswer, type ServiceAnswer, settleAnswer } from './json/answer-json.ts';
export { profileJson, readProfile } from './json/profile-json.ts';
export {
  isJsonKind,
  JSON_KINDS,
  JSON_PROTOCOL,
  type JsonKind,
  nameText,
  questionJson,
  userOf,
} from './json/proof-json.ts';
export { type JsonObject, parseJson, type Read } from './json/read.ts';
export { sessionDownJson, sessionUpJson } from './json/session-json.ts';
export type { Machine } from './machine/machine.ts';
export { type Direction, DROP_REASONS, type DropReason } from './outcome.ts';
export type { AccountingRecord, AccountingSink } from './ports/accounting.ts';
export type { AddressLease, AddressPool } from './ports/addresses.ts';
export type {
  AuthContext,
  AuthDenial,
  AuthEffect,
  Authenticator,
  AuthInput,
  AuthKind,
  AuthKinds,
  AuthMethod,
  AuthRefusal,
  AuthRole,
  AuthVerdict,
  BackEndAnswer,
  Computed,
  ComputeEffect,
  MppeKeyMaterial,
  ProofOrigin,
  VerifyEffect,
} from './ports/auth.ts';
export type { CancelSignal } from './ports/cancel.ts';
export type { Clock } from './ports/clock.ts';
export {
  type CallEvent,
  CLEAR_REASONS,
  type ClearReason,
  type ControlPlugin,
  type WanErrors,
} from './ports/control.ts';
export type { EapContext, EapEffect, EapInput, EapMethod } from './ports/eap.ts';
export type { EapRelay, EapRelayAnswer, EapRelayRequest } from './ports/eap-relay.ts';
export type { Fleet } from './ports/fleet.ts';
export type { HandOver } from './ports/handover.ts';
export { type CallEndpoint, type CallId, type CallIds, callId, type SessionId, sessionId } from './ports/ids.ts';
export type { IpsecHook } from './ports/ipsec-hook.ts';
export type { Lifecycle } from './ports/lifecycle.ts';
export { type LiveOptions, optionsInForce } from './ports/live-options.ts';
export { type Lock, type LockBook, type LockKind, type LockQuery, lockFits } from './ports/locks.ts';
export { type Log, type LogFields, silentLog } from './ports/log.ts';
export type { OwnPackets } from './ports/own-packets.ts';
export type { GreSocket, PacketIo, TunDevice } from './ports/packet-io.ts';
export { definePlugin, type GatewayPlugin, PLUGIN_API, type PluginBindings } from './ports/plugin.ts';
export type { AdmissionRequest, Attempt, PolicyAnswer, SessionPolicy } from './ports/policy.ts';
export type {
  InnerNetwork,
  ProfileChange,
  ProfileEncryption,
  RateLimit,
  RateLimits,
  UserProfile,
} from './ports/profile.ts';
export type { RandomSource } from './ports/random.ts';
export type {
  EspAlgorithm,
  SaEvent,
  SaLimits,
  SaOwner,
  SaStatus,
  SecurityAssociation,
  SecurityAssociations,
} from './ports/security-associations.ts';
export type { ChangeAnswer, FoundSession, SessionDirectory, SessionQuery } from './ports/session-directory.ts';
export type { SessionEnding, SessionFacts, SessionUsage } from './ports/session-facts.ts';
export type { SessionListener } from './ports/session-listener.ts';
export type { ControlFrames, SessionLookup, Wakeups } from './ports/sessions.ts';
export * as kinds from './ports/setting-kinds.ts';
export type { Setting, SettingKind, Settings } from './ports/settings.ts';
export type { Attributes, PhaseSpan, SetupPhase, Telemetry, TunnelTrace } from './ports/telemetry.ts';
export type { WallClock } from './ports/wall-clock.ts';
export { judgeProof, judgesProof } from './proofs/judge-proof.ts';
export type { Secrets } from './proofs/proofs.ts';
export { after, type Brand, type Instant, instant } from './time.ts';
export { TOKENS } from './tokens.ts';
