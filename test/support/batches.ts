import { type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { runStep } from '../../core/datapath/lift.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { Session } from '../../core/datapath/session.ts';
import type { BatchStep, Stage } from '../../core/datapath/stage.ts';
import type { Direction, DropReason } from '../../core/outcome.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import type { PhaseSpan, Telemetry } from '../../core/ports/telemetry.ts';
import { instant } from '../../core/time.ts';

export const address = (text: string): Ipv4 => {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`bad address in a test: ${text}`);
  return parsed;
};

export const LOCAL = address('198.51.100.1');
export const PEER = address('203.0.113.9');

/** A session between LOCAL and PEER; its stages' state is opened. */
export function openSession(stages: readonly Stage[] = [], ids: { local?: number; peer?: number } = {}): Session {
  const session = new Session(sessionId(`s${ids.local ?? 1}`), {
    local: LOCAL,
    peer: PEER,
    localCallId: callId(ids.local ?? 0x1111),
    peerCallId: callId(ids.peer ?? 0x2222),
  });
  for (const stage of stages) stage.open?.(session);
  return session;
}

export interface BatchOptions {
  readonly session?: Session;
  readonly protocol?: number;
  readonly now?: number;
  readonly capacity?: number;
}

/** A batch with these packets, from PEER to LOCAL. */
export function batchOf(packets: readonly Uint8Array[], options: BatchOptions = {}): PacketBatch {
  const batch = new PacketBatch(options.capacity ?? Math.max(64, packets.length));
  batch.now = instant(options.now ?? 0);
  for (const packet of packets) {
    const index = batch.append(packet);
    batch.session[index] = options.session;
    batch.protocol[index] = options.protocol ?? 0;
    batch.outerEndpoints(index, PEER, LOCAL);
  }
  return batch;
}

/** Copies of the live packets, in order. */
export const livePackets = (batch: PacketBatch): Uint8Array[] =>
  Array.from({ length: batch.count }, (_, at) => batch.view(batch.order[at] ?? 0).slice());

const ignore = (): void => undefined;
const silentSpan: PhaseSpan = { attributes: ignore, event: ignore, step: () => silentSpan, end: ignore };
export const silentTelemetry: Telemetry = {
  packets: ignore,
  dropped: ignore,
  fault: ignore,
  event: ignore,
  measure: ignore,
  tunnel: () => ({
    traceId: '',
    root: { traceId: '', spanId: '', sampled: false },
    phase: () => silentSpan,
    later: () => silentSpan,
    attributes: ignore,
    event: ignore,
    end: ignore,
  }),
};

/** Runs one step as the pipeline does; returns what was dropped, by reason. */
export function run(
  step: BatchStep | undefined,
  batch: PacketBatch,
  direction: Direction = 'in',
): Partial<Record<DropReason, number>> {
  const drops: Partial<Record<DropReason, number>> = {};
  if (step === undefined) throw new Error('the stage has no step in this direction');
  runStep(step, 'test', direction, batch, silentTelemetry, (reason, count) => {
    drops[reason] = (drops[reason] ?? 0) + count;
  });
  return drops;
}
