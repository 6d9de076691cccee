// CPU time of every stage by itself, in memory: what a packet costs between the two devices, and where.

import { EMPTY } from 'rxjs';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { runStep } from '../../core/datapath/lift.ts';
import { setEncryption } from '../../core/datapath/mppe-state.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { Session } from '../../core/datapath/session.ts';
import type { BatchStep, Stage } from '../../core/datapath/stage.ts';
import { AddressStage } from '../../core/datapath/stages/address.stage.ts';
import { callDemuxStage } from '../../core/datapath/stages/call-demux.stage.ts';
import { greStage } from '../../core/datapath/stages/gre.stage.ts';
import { MppeStage } from '../../core/datapath/stages/mppe.stage.ts';
import { MssClampStage } from '../../core/datapath/stages/mss-clamp.stage.ts';
import { pppStage } from '../../core/datapath/stages/ppp.stage.ts';
import { SequenceStage } from '../../core/datapath/stages/sequence.stage.ts';
import type { Direction } from '../../core/outcome.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import { instant } from '../../core/time.ts';
import { orderStages } from '../../gateway/pipeline.ts';
import { SessionTable } from '../../gateway/session/session-table.ts';
import { address, silentTelemetry } from '../support/batches.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { circumstances, numberOption, showSpread, showTable, spread, wantsJson } from './support/numbers.ts';

const BATCH = 64;
const ROUNDS = numberOption('rounds', 7);
const BATCHES = numberOption('batches', 300);
const SIZES = [64, 576, 1396] as const;

const GATEWAY = address('198.51.100.1');
const CLIENT = address('203.0.113.9');
const INNER = address('10.99.0.2');
const INTRANET = address('10.0.0.80');
const KEY_UP = new Uint8Array(16).fill(0x5a);
const KEY_DOWN = new Uint8Array(16).fill(0xa5);
const nothing = (): void => undefined;

/** One end of a tunnel: its stages in order, with one session whose encryption is up. */
const makeEnd = (local: Ipv4, peer: Ipv4, send: Uint8Array, receive: Uint8Array) => {
  const sessions = new SessionTable();
  const events = { wake: nothing, frame: nothing, onGarbage: nothing, onResetNeeded: nothing };
  const stages = orderStages([
    greStage,
    callDemuxStage(sessions, { checkPeerAddress: true }),
    new SequenceStage(events, { window: 64, timeoutMs: 300, ackDelayMs: 100 }, EMPTY),
    pppStage(events),
    new MppeStage(events, { clearAllowed: false }),
    new MssClampStage({ mtu: 1396 }),
    new AddressStage(sessions),
  ]);
  const session = new Session(sessionId('bench'), { local, peer, localCallId: callId(7), peerCallId: callId(7) });
  sessions.add(session);
  for (const stage of stages) stage.open?.(session);
  setEncryption(session, { strength: 128, stateless: true, keys: { send, receive } });
  sessions.bind(session, INNER);
  return stages;
};

/** Nanoseconds by "direction stage". */
type Costs = Map<string, number>;

const runStages = (stages: readonly Stage[], direction: Direction, batch: PacketBatch, costs: Costs): void => {
  for (const stage of stages) {
    const step: BatchStep | undefined = direction === 'in' ? stage.inbound : stage.outbound;
    if (step === undefined) continue;
    const before = process.hrtime.bigint();
    runStep(step, stage.name, direction, batch, silentTelemetry, nothing);
    const name = `${direction} ${stage.name}`;
    costs.set(name, (costs.get(name) ?? 0) + Number(process.hrtime.bigint() - before));
  }
};

/** The way in needs packets of the other end; the other end's way out makes them and is not counted. */
const measure = (size: number): Map<string, number[]> => {
  const gateway = makeEnd(GATEWAY, CLIENT, KEY_DOWN, KEY_UP);
  const client = makeEnd(CLIENT, GATEWAY, KEY_UP, KEY_DOWN);
  const up = ipv4Packet({ source: INNER, destination: INTRANET, payload: new Uint8Array(size - 20) });
  const down = ipv4Packet({ source: INTRANET, destination: INNER, payload: new Uint8Array(size - 20) });
  // The client end uses the same stages, so its route look-up wants a destination it knows.
  const carrier = ipv4Packet({ source: INNER, destination: INNER, payload: up.subarray(20) });
  const out = new PacketBatch(2 * BATCH);
  const inbound = new PacketBatch(2 * BATCH);
  const rounds = new Map<string, number[]>();
  for (let round = -1; round < ROUNDS; round += 1) {
    const costs: Costs = new Map();
    for (let turn = 0; turn < BATCHES; turn += 1) {
      const now = instant(round * BATCHES + turn);
      fill(out, down);
      out.now = now;
      runStages(gateway.toReversed(), 'out', out, costs);
      fill(out, carrier);
      runStages(client.toReversed(), 'out', out, new Map());
      inbound.clear();
      for (let at = 0; at < out.count; at += 1) {
        const index = inbound.append(out.view(out.order[at] ?? 0));
        inbound.outerEndpoints(index, CLIENT, GATEWAY);
      }
      inbound.now = now;
      runStages(gateway, 'in', inbound, costs);
      if (inbound.count !== BATCH) throw new Error(`${BATCH - inbound.count} packets were lost on the way`);
    }
    // The first round warms up.
    if (round < 0) continue;
    for (const [name, nanoseconds] of costs) {
      const perPacket = nanoseconds / 1000 / (BATCHES * BATCH);
      rounds.set(name, [...(rounds.get(name) ?? []), perPacket]);
      const [direction = ''] = name.split(' ');
      const total = `${direction} all`;
      const totals = rounds.get(total) ?? [];
      totals[round] = (totals[round] ?? 0) + perPacket;
      rounds.set(total, totals);
    }
  }
  return rounds;
};

const fill = (batch: PacketBatch, packet: Uint8Array): void => {
  batch.clear();
  for (let i = 0; i < BATCH; i += 1) batch.append(packet);
};

const results = SIZES.map((size) => ({ size, rounds: measure(size) }));
/** In the order a packet meets them, the sum of a direction last. */
const measured = [...(results[0]?.rounds.keys() ?? [])];
const names = ['in', 'out'].flatMap((direction) => [
  ...measured.filter((name) => name.startsWith(`${direction} `) && !name.endsWith(' all')),
  `${direction} all`,
]);
const report = {
  ...circumstances(),
  benchmark: 'stages',
  unit: 'µs of one core per packet',
  batch: BATCH,
  rounds: ROUNDS,
  sizes: results.map(({ size, rounds }) => ({
    size,
    stages: Object.fromEntries(names.map((name) => [name, spread(rounds.get(name) ?? [])])),
  })),
};
if (wantsJson()) console.log(JSON.stringify(report, undefined, 2));
else {
  console.log(`${report.date}  ${report.machine}\n${report.command}`);
  console.log(`${report.unit}, MPPE-128 stateless, batches of ${BATCH}; median (min–max) of ${ROUNDS} rounds\n`);
  const rows = names.map((name) => [
    name,
    ...report.sizes.map(({ stages }) => showSpread(stages[name] ?? { median: 0, min: 0, max: 0 })),
  ]);
  console.log(showTable([['direction stage', ...SIZES.map((size) => `${size} octets`)], ...rows]));
}
