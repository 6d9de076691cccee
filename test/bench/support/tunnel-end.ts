import { EMPTY } from 'rxjs';
import type { Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import type { MppeKernel } from '../../../core/datapath/mppe-kernel.ts';
import { setEncryption } from '../../../core/datapath/mppe-state.ts';
import type { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { Session } from '../../../core/datapath/session.ts';
import type { Stage } from '../../../core/datapath/stage.ts';
import { AddressStage } from '../../../core/datapath/stages/address.stage.ts';
import { callDemuxStage } from '../../../core/datapath/stages/call-demux.stage.ts';
import { greStage } from '../../../core/datapath/stages/gre.stage.ts';
import { MppeStage } from '../../../core/datapath/stages/mppe.stage.ts';
import { MssClampStage } from '../../../core/datapath/stages/mss-clamp.stage.ts';
import { pppStage } from '../../../core/datapath/stages/ppp.stage.ts';
import { SequenceStage } from '../../../core/datapath/stages/sequence.stage.ts';
import { callId, sessionId } from '../../../core/ports/ids.ts';
import { orderStages } from '../../../gateway/pipeline.ts';
import { SessionTable } from '../../../gateway/session/session-table.ts';
import { address } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';

export const GATEWAY = address('198.51.100.1');
export const CLIENT = address('203.0.113.9');
const INNER = address('10.99.0.2');
const INTRANET = address('10.0.0.80');
const KEY_UP = new Uint8Array(16).fill(0x5a);
const KEY_DOWN = new Uint8Array(16).fill(0xa5);
const nothing = (): void => undefined;

/** What one end has besides. */
export interface EndParts {
  readonly stages?: readonly Stage[];
  readonly kernel?: MppeKernel;
  /** The session is open. */
  readonly opened?: (session: Session) => void;
}

/** One end of a tunnel: its stages in order, with one session whose encryption is up. */
const makeEnd = (
  local: Ipv4,
  peer: Ipv4,
  send: Uint8Array,
  receive: Uint8Array,
  parts: EndParts = {},
): readonly Stage[] => {
  const sessions = new SessionTable();
  const events = { wake: nothing, frame: nothing, onGarbage: nothing, onResetNeeded: nothing };
  const stages = orderStages([
    greStage,
    callDemuxStage(sessions, { checkPeerAddress: true }),
    new SequenceStage(events, { window: 64, timeoutMs: 300, ackDelayMs: 100 }, EMPTY),
    pppStage(events),
    new MppeStage(events, {
      clearAllowed: false,
      ...(parts.kernel === undefined ? {} : { kernel: parts.kernel }),
    }),
    new MssClampStage({ mtu: 1396 }),
    new AddressStage(sessions),
    ...(parts.stages ?? []),
  ]);
  const session = new Session(sessionId('bench'), { local, peer, localCallId: callId(7), peerCallId: callId(7) });
  sessions.add(session);
  for (const stage of stages) stage.open?.(session);
  setEncryption(session, { strength: 128, stateless: true, keys: { send, receive } });
  sessions.bind(session, INNER);
  parts.opened?.(session);
  return stages;
};

/** The stages of a gateway, with these parts, and of its client, with a tunnel between them. */
export const makeEnds = (
  parts: EndParts = {},
): { readonly gateway: readonly Stage[]; readonly client: readonly Stage[] } => ({
  gateway: makeEnd(GATEWAY, CLIENT, KEY_DOWN, KEY_UP, parts),
  client: makeEnd(CLIENT, GATEWAY, KEY_UP, KEY_DOWN),
});

/** A packet of so many octets to the client. */
export const packetDown = (size: number): Uint8Array =>
  ipv4Packet({ source: INTRANET, destination: INNER, payload: new Uint8Array(size - 20) });

/** One of the client. Its end uses the same stages, so their route look-up wants a destination that it knows. */
export const packetUp = (size: number): Uint8Array =>
  ipv4Packet({ source: INNER, destination: INNER, payload: new Uint8Array(size - 20) });

/** The batch holds the packet so many times, and nothing else. */
export const fill = (batch: PacketBatch, packet: Uint8Array, times: number): void => {
  batch.clear();
  for (let i = 0; i < times; i += 1) batch.append(packet);
};

/** What one end sent, as the other receives it. */
export const carry = (sent: PacketBatch, received: PacketBatch, source: Ipv4, destination: Ipv4): void => {
  received.clear();
  for (let at = 0; at < sent.count; at += 1) {
    const index = received.append(sent.view(sent.order[at] ?? 0));
    received.outerEndpoints(index, source, destination);
  }
};
