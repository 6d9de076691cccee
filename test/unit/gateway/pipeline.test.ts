import { NEVER, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { Probes } from '../../../core/datapath/probe.ts';
import { Session } from '../../../core/datapath/session.ts';
import type { Stage } from '../../../core/datapath/stage.ts';
import { callId, sessionId } from '../../../core/ports/ids.ts';
import type { GreSocket, TunDevice } from '../../../core/ports/packet-io.ts';
import { Pipeline } from '../../../gateway/pipeline.ts';
import { LOCAL, PEER } from '../../support/batches.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryTelemetry } from '../../support/memory-telemetry.ts';

const lifecycle = { start: () => Promise.resolve(), stop: () => Promise.resolve() };
const tun: TunDevice = { ...lifecycle, name: 'tun', interfaceName: 'pptp0', batches$: NEVER, write: () => 0 };
const session = new Session(sessionId('s1'), {
  localCallId: callId(1),
  peerCallId: callId(2),
  local: LOCAL,
  peer: PEER,
});

/** Packets by their lengths. */
const batchOf = (...lengths: readonly number[]): PacketBatch => {
  const batch = new PacketBatch(lengths.length);
  for (const length of lengths) batch.session[batch.append(new Uint8Array(length))] = session;
  return batch;
};

function run(stages: readonly Stage[], write: TunDevice['write']) {
  const telemetry = new MemoryTelemetry();
  const clock = new ManualClock();
  const received$ = new Subject<PacketBatch>();
  const gre: GreSocket = { ...lifecycle, name: 'gre', driver: 'test', batches$: received$, write: () => 0 };
  const probes = new Probes(clock, () => undefined);
  new Pipeline(gre, { ...tun, write }, stages, clock, telemetry, probes).start(() => undefined);
  return { telemetry, received$ };
}

test('packets are counted once at a device: as taken, refused by it, or left over', () => {
  const { telemetry, received$ } = run([], (batch) => {
    batch.drop(batch.order[1] ?? 0, 'too-big');
    return 3;
  });
  received$.next(batchOf(100, 1500, 300, 400));
  expect(telemetry.passed.get('tun in')).toBe(2);
  expect(telemetry.octets.get('tun in')).toBe(400);
  expect(Object.fromEntries(telemetry.drops)).toEqual({ 'tun in device-refused': 1 });
  expect(Object.fromEntries(session.drops)).toEqual({ 'tun in too-big': 1 });
});

test('packets that a stage lets go later are counted with those that left it at once', () => {
  const released$ = new Subject<PacketBatch>();
  const process = (batch: PacketBatch): void => batch.hold(batch.order[0] ?? 0);
  const { telemetry, received$ } = run(
    [{ name: 'queue', slot: 300, inbound: { process, released$ } }],
    (batch) => batch.count,
  );
  received$.next(batchOf(1, 2));
  expect(telemetry.passed.get('queue in')).toBe(1);
  released$.next(batchOf(1));
  expect(telemetry.passed.get('queue in')).toBe(2);
  expect(telemetry.passed.get('tun in')).toBe(2);
});
