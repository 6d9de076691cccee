// For tests of plug-ins: what obeying each port means, a whole gateway in memory, and what both are made of.
import 'reflect-metadata';

export { LiveValue } from '../gateway/life/live-value.ts';
export { type AddressPoolRig, addressPoolContract } from './contract/address-pool.ts';
export { type AuthMethodRig, authMethodContract } from './contract/auth-method.ts';
export { type AuthenticatorRig, authenticatorContract } from './contract/authenticator.ts';
export { type ControlPluginRig, controlPluginContract } from './contract/control-plugin.ts';
export { type EapMethodRig, eapMethodContract } from './contract/eap-method.ts';
export { type EapRelayRig, eapRelayContract } from './contract/eap-relay.ts';
export { type IpsecHookRig, ipsecHookContract } from './contract/ipsec-hook.ts';
export { type LifecycleRig, lifecycleContract } from './contract/lifecycle.ts';
export { type LiveSettingsRig, liveSettingsContract } from './contract/live-settings.ts';
export { type LockBookRig, lockBookContract } from './contract/lock-book.ts';
export { type GreRig, greSocketContract, type TunRig, tunDeviceContract } from './contract/packet-io.ts';
export { type SessionPolicyRig, sessionPolicyContract } from './contract/session-policy.ts';
export { type StageRig, stageContract } from './contract/stage.ts';
export {
  type AccountingSinkRig,
  accountingSinkContract,
  type SessionListenerRig,
  sessionListenerContract,
} from './contract/told.ts';
export {
  type AuthExchange,
  type AuthExchangeOptions,
  type AuthOutcome,
  type AuthSide,
  authExchange,
} from './exchange.ts';
export { FakeClock } from './lab/fake-clock.ts';
export { type LogLine, MemoryLog } from './lab/memory-log.ts';
export { MemoryTelemetry, type RecordedSpan, type RecordedTrace } from './lab/memory-telemetry.ts';
export { type MemoryUser, MemoryUsers } from './lab/memory-users.ts';
export { seededRandom } from './lab/seeded-random.ts';
export { type ContractCheck, type ContractSuite, failuresOf, runContract, type TestRunner } from './suite.ts';
export { Dice } from './support/dice.ts';
export { echoPacket, type Ipv4Packet, ipv4Packet, portsPacket } from './support/packets.ts';
export { type Credentials, type PasswordKind, proofOf, type Question } from './support/proofs.ts';
export { testFleet, testSessions } from './support/services.ts';
export { testFacts, testOrigin, testPeerName, testSession, testUsage } from './support/sessions.ts';
export { INTRANET_HOST, type TestClient } from './test-client.ts';
export {
  type ClientMethod,
  type TestDial,
  TestGateway,
  type TestGatewayOptions,
  type TestReload,
  type TestUser,
} from './test-gateway.ts';
