import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { lift, liftAll } from '../../../../core/datapath/lift.ts';
import type { PacketBatch } from '../../../../core/datapath/packet-batch.ts';
import { perPacket } from '../../../../core/datapath/per-packet.ts';
import type { Telemetry } from '../../../../core/ports/telemetry.ts';
import { batchOf, livePackets, silentTelemetry } from '../../../support/batches.ts';

const octets = (...values: number[]): Uint8Array[] => values.map((value) => Uint8Array.of(value));

function through(step: ReturnType<typeof perPacket>, batch: PacketBatch) {
  const log: string[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    packets: (stage, direction, count) => log.push(`${stage} ${direction} passed ${count}`),
    dropped: (stage, direction, reason, count) => log.push(`${stage} ${direction} dropped ${count} ${reason}`),
    fault: (_stage, _direction, cause) => log.push(String(cause)),
  };
  let out: number[] | undefined;
  of(batch)
    .pipe(lift(step, 'probe', 'in', telemetry))
    .subscribe((passed) => {
      out = livePackets(passed).map((bytes) => bytes[0] ?? -1);
    });
  return { out, log };
}

describe('the bridge from stages to RxJS', () => {
  it('drops by name, once per batch and reason', () => {
    const step = perPacket(({ bytes }) => ((bytes[0] ?? 0) % 2 === 0 ? 'policy' : undefined));
    expect(through(step, batchOf(octets(1, 2, 3, 4)))).toEqual({
      out: [1, 3],
      log: ['probe in dropped 2 policy', 'probe in passed 2'],
    });
  });

  it('loses one packet to a throwing stage, and only that one', () => {
    const step = perPacket(({ bytes }) => {
      if (bytes[0] === 2 || bytes[0] === 5) throw new Error(`at ${bytes[0]}`);
      return undefined;
    });
    expect(through(step, batchOf(octets(1, 2, 3, 4, 5)))).toEqual({
      out: [1, 3, 4],
      log: ['Error: at 2', 'Error: at 5', 'probe in dropped 2 stage-fault', 'probe in passed 3'],
    });
  });

  it('takes a batch through steps in a row, as long as anything of it is left', () => {
    const seen: string[] = [];
    const dropping = (name: string, unwanted: number) =>
      [
        name,
        perPacket(({ bytes }) => {
          seen.push(`${name} ${bytes[0]}`);
          return bytes[0] === unwanted ? 'policy' : undefined;
        }),
      ] as const;
    let batches = 0;
    of(batchOf(octets(1, 2)), batchOf(octets(1)))
      .pipe(liftAll([dropping('first', 1), dropping('second', 2), dropping('third', 3)], 'in', silentTelemetry))
      .subscribe(() => {
        batches += 1;
      });
    expect(seen).toEqual(['first 1', 'first 2', 'second 2', 'first 1']);
    expect(batches).toBe(0);
  });

  it('survives a stage that throws without having moved its cursor', () => {
    const step = {
      process() {
        throw new Error('always');
      },
    };
    expect(through(step, batchOf(octets(1, 2, 3))).out).toBeUndefined();
  });

  it('lets a stage replace a packet, within what a slot holds', () => {
    const step = perPacket((packet) => {
      expect(packet.replace(new Uint8Array(4000))).toBe(false);
      packet.replace(Uint8Array.of((packet.bytes[0] ?? 0) + 10));
      return undefined;
    });
    expect(through(step, batchOf(octets(1, 2))).out).toEqual([11, 12]);
  });
});
