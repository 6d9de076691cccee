import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { lift } from '../../../../core/datapath/lift.ts';
import { PacketBatch } from '../../../../core/datapath/packet-batch.ts';
import { perPacket } from '../../../../core/datapath/per-packet.ts';
import { type PipelineProbe, Probes } from '../../../../core/datapath/probe.ts';
import { Session } from '../../../../core/datapath/session.ts';
import { callId, sessionId } from '../../../../core/ports/ids.ts';
import { instant } from '../../../../core/time.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const call = { localCallId: callId(1), peerCallId: callId(2), local: ipv4(1), peer: ipv4(2) };
const odd = perPacket(({ bytes }) => ((bytes[0] ?? 0) % 2 === 1 ? 'policy' : undefined));

/** One stage over one batch of four packets, numbered 0 to 3. */
function pass(probes: Probes): { readonly batch: PacketBatch; readonly session: Session } {
  const batch = new PacketBatch(4);
  const session = new Session(sessionId('s1'), call);
  for (let i = 0; i < 4; i += 1) batch.session[batch.append(Uint8Array.of(i))] = session;
  const source = new Subject<PacketBatch>();
  source.pipe(lift(odd, 'odd', 'in', new MemoryTelemetry(), probes)).subscribe();
  source.next(batch);
  return { batch, session };
}

function rig() {
  let time = 0;
  const failed: string[] = [];
  const clock = {
    now: () => {
      time += 1;
      return instant(time);
    },
  };
  const probes = new Probes(clock, (name) => failed.push(name));
  const seen: string[] = [];
  const probe = (name: string, worked: PipelineProbe['worked']): PipelineProbe => ({
    name,
    entering: () => undefined,
    joining: () => undefined,
    worked,
    leaving: () => undefined,
  });
  return { probes, probe, seen, failed };
}

test('a probe sees the dropped with their verdict, before they are taken out', () => {
  const { probes, probe, seen } = rig();
  probes.add(
    probe('look', (batch, stage, direction, began, ended) => {
      const fates = [...batch.order.subarray(0, batch.count)].map((index) => batch.fate(index));
      seen.push(`${stage} ${direction} ${began}..${ended} ${fates.join(' ')}`);
    }),
  );
  const { batch } = pass(probes);
  expect(seen).toEqual(['odd in 1..2 live policy live policy']);
  expect(batch.count).toBe(2);
});

test('a probe that throws is taken out and named; the packets and the other probes do not notice', () => {
  const { probes, probe, seen, failed } = rig();
  probes.add(
    probe('bad', () => {
      throw new Error('bug');
    }),
  );
  probes.add(probe('good', () => seen.push('good')));
  expect(pass(probes).batch.count).toBe(2);
  expect(pass(probes).batch.count).toBe(2);
  expect(failed).toEqual(['bad']);
  expect(seen).toEqual(['good', 'good']);
});

test('without probes nothing looks, and no time is asked for', () => {
  const { probes, probe, seen } = rig();
  const remove = probes.add(probe('look', () => seen.push('look')));
  remove();
  remove();
  expect(probes.active).toBeUndefined();
  pass(probes);
  expect(seen).toEqual([]);
  expect(probes.now()).toBe(1);
});

test('a session counts what was dropped of it, by stage, direction and reason', () => {
  const { session } = pass(rig().probes);
  expect([...session.drops]).toEqual([['odd in policy', 2]]);
});
