import fc from 'fast-check';
import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../core/bytes/bytes.ts';
import { greStage } from '../../core/datapath/stages/gre.stage.ts';
import { pppStage } from '../../core/datapath/stages/ppp.stage.ts';
import { SequenceStage } from '../../core/datapath/stages/sequence.stage.ts';
import { emptyGreHeader, greLength, parseGre, writeGre } from '../../core/wire/gre.ts';
import { batchOf, openSession, run } from '../support/batches.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const optional = fc.option(u32, { nil: -1 });

describe('enhanced GRE', () => {
  it('reads back what it wrote, padding or not', () => {
    fc.assert(
      fc.property(
        u16,
        u32,
        optional,
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.uint8Array({ maxLength: 8 }),
        (callId, sequence, acknowledgment, payload, padding) => {
          const header = new Uint8Array(greLength(sequence, acknowledgment));
          writeGre(header, 0, callId, payload.length, sequence, acknowledgment);
          const packet = concatBytes(header, payload, padding);
          const read = emptyGreHeader();
          expect(parseGre(packet, 0, packet.length, read)).toBeUndefined();
          expect(read).toEqual({
            headerLength: header.length,
            payloadLength: payload.length,
            callId,
            sequence,
            acknowledgment,
          });
        },
      ),
    );
  });

  it('never claims octets that are not there, whatever the octets are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (octets, plausible) => {
        const packet = octets.slice();
        if (plausible) packet.set([0x30, 0x81, 0x88, 0x0b].slice(0, packet.length));
        const read = emptyGreHeader();
        if (parseGre(packet, 0, packet.length, read) === undefined) {
          expect(read.headerLength + read.payloadLength).toBeLessThanOrEqual(packet.length);
        }
      }),
    );
  });

  it('carries any octets through decode, sequence and PPP: each packet is delivered, held, diverted or dropped by name', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            first: fc.constantFrom(0x20, 0x30),
            second: fc.constantFrom(0x01, 0x81),
            rest: fc.uint8Array({ maxLength: 60 }),
          }),
          { maxLength: 40 },
        ),
        (packets) => {
          let frames = 0;
          const sequence = new SequenceStage(
            { wake: () => undefined },
            { window: 8, timeoutMs: 300, ackDelayMs: 100 },
            EMPTY,
          );
          const ppp = pppStage({
            frame: () => {
              frames += 1;
            },
          });
          const session = openSession([sequence, ppp]);
          const bytes = packets.map(({ first, second, rest }) =>
            concatBytes(Uint8Array.of(first, second, 0x88, 0x0b, 0, Math.max(0, rest.length - 12)), rest),
          );
          const batch = batchOf(bytes, { session, capacity: 128 });
          let dropped = 0;
          for (const step of [greStage.inbound, sequence.inbound, ppp.inbound]) {
            dropped += Object.entries(run(step, batch)).reduce((sum, [reason, count]) => {
              expect(reason).not.toBe('stage-fault');
              return sum + count;
            }, 0);
          }
          expect(batch.count + dropped + frames).toBeLessThanOrEqual(packets.length);
        },
      ),
    );
  });
});
