import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { association, CBC_KEYS, espIpv4, espOpen, espSeal, GCM_KEYS } from '../../support/esp-peer.ts';
import { ESP_CLIENT, ESP_HOST, EspRig } from '../../support/esp-rig.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';

const kinds = fc.record({
  algorithm: fc.constantFrom(GCM_KEYS, CBC_KEYS),
  mode: fc.constantFrom('transport' as const, 'tunnel' as const),
  esn: fc.boolean(),
});
const PROTOCOL = 200;

const sum = (drops: Readonly<Partial<Record<string, number>>>): number =>
  Object.values(drops).reduce<number>((total, count) => total + (count ?? 0), 0);

describe('what comes of any octets', () => {
  const body = fc.uint8Array({ maxLength: 200 });
  const packets = fc.oneof(
    body,
    body.map((payload) => espIpv4(ESP_CLIENT, ESP_HOST, payload)),
    body.map((payload) => espIpv4(ESP_CLIENT, ESP_HOST, Uint8Array.of(0, 0, 0x10, 1, 0, 0, 0, 9, ...payload))),
    fc.tuple(body, fc.nat(0xffff)).map(([payload, word]) => {
      const packet = espIpv4(ESP_CLIENT, ESP_HOST, payload);
      packet[6] = word >> 8;
      packet[7] = word & 255;
      return packet;
    }),
    body.map((payload) => ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT, payload })),
  );

  it('is one named drop for each packet, or a packet, or one that waits for its other fragments', () => {
    fc.assert(
      fc.property(kinds, fc.array(packets, { maxLength: 20 }), (kind, given) => {
        const rig = new EspRig([
          association(ESP_HOST, { direction: 'in', ...kind }),
          association(ESP_HOST, { direction: 'out', ...kind }),
        ]);
        const fragments = given.filter((one) => one.length >= 8 && (((one[6] ?? 0) & 0x3f) | (one[7] ?? 0)) !== 0);
        for (const { packets: left, drops } of [rig.inbound(...given), rig.outbound(...given)]) {
          expect(drops['stage-fault']).toBeUndefined();
          const missing = given.length - left.length - sum(drops);
          expect(missing).toBeLessThanOrEqual(fragments.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is no packet but the one that was sealed, whatever octet of it is changed', () => {
    fc.assert(
      fc.property(
        kinds,
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (kind, data, at, flip) => {
          const into = association(ESP_HOST, { direction: 'in', ...kind });
          const rig = new EspRig([into]);
          const inner = ipv4Packet({ source: ESP_CLIENT, destination: ESP_HOST, protocol: PROTOCOL, payload: data });
          const esp = kind.mode === 'tunnel' ? espSeal(into, 3n, inner, 4) : espSeal(into, 3n, data, PROTOCOL);
          const packet = espIpv4(ESP_CLIENT, ESP_HOST, esp);
          const hit = 20 + (at % esp.length);
          const changed = packet.slice();
          changed[hit] = (changed[hit] ?? 0) ^ flip;
          const bad = rig.inbound(changed);
          expect(bad.packets).toEqual([]);
          expect(sum(bad.drops)).toBe(1);
          const cut = packet.subarray(0, hit).slice();
          cut[2] = cut.length >> 8;
          cut[3] = cut.length & 255;
          expect(rig.inbound(cut).packets).toEqual([]);
          expect(rig.inbound(packet).packets.map(toHex)).toEqual([toHex(inner)]);
        },
      ),
    );
  });
});

describe('what is sealed', () => {
  it('outbound, is what the other end opens, each packet with the next number', () => {
    fc.assert(
      fc.property(
        kinds,
        fc.array(fc.uint8Array({ maxLength: 1000 }), { minLength: 1, maxLength: 8 }),
        (kind, bodies) => {
          const out = association(ESP_HOST, { direction: 'out', ...kind });
          const rig = new EspRig([out]);
          const clear = bodies.map((payload) =>
            ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT, protocol: PROTOCOL, payload }),
          );
          const { packets, drops } = rig.outbound(...clear);
          expect(drops).toEqual({});
          const opened = packets.map((packet, at) => espOpen(out, BigInt(at + 1), packet.subarray(20)));
          const expected = kind.mode === 'tunnel' ? clear : bodies;
          expect(opened.map(({ payload }) => toHex(payload))).toEqual(expected.map(toHex));
          expect(new Set(opened.map(({ nextHeader }) => nextHeader))).toEqual(
            new Set([kind.mode === 'tunnel' ? 4 : PROTOCOL]),
          );
          const ivs = packets.map((packet) => toHex(packet.subarray(28, 36)));
          expect(new Set(ivs).size).toBe(ivs.length);
        },
      ),
    );
  });

  it('inbound, is delivered at most once, and always if it is not late', () => {
    const orders = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(kinds, orders, fc.constantFrom(32, 64, 1024), (kind, order, replayWindow) => {
        const into = association(ESP_HOST, { direction: 'in', replayWindow, ...kind });
        const rig = new EspRig([into]);
        const seen = new Set<number>();
        let top = 0;
        for (const number of order) {
          const inner = ipv4Packet({
            source: ESP_CLIENT,
            destination: ESP_HOST,
            protocol: PROTOCOL,
            payload: Uint8Array.of(number),
          });
          const sequence = BigInt(number);
          const esp =
            kind.mode === 'tunnel'
              ? espSeal(into, sequence, inner, 4)
              : espSeal(into, sequence, inner.subarray(20), PROTOCOL);
          const { packets } = rig.inbound(espIpv4(ESP_CLIENT, ESP_HOST, esp));
          const isNew = !seen.has(number) && number > top - replayWindow;
          expect(packets.length).toBe(isNew ? 1 : 0);
          if (isNew) seen.add(number);
          if (isNew) top = Math.max(top, number);
        }
      }),
      { numRuns: 60 },
    );
  });
});
