import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { shownOfFrame, shownOfGre } from '../../../observability/capture/mask.ts';
import { CAPTURE_POINTS, type CapturePoint } from '../../../observability/capture/points.ts';
import { address } from '../../support/batches.ts';
import { capturesOf, octetsOf, order, started } from '../../support/capture-bench.ts';
import { GatewayLab } from '../../support/gateway-lab.ts';
import { contains, grePacket, injectGre, sentFrom } from '../../support/gre-packets.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';
import { type PcapngFile, readPcapng } from '../../support/pcapng.ts';

const INTRANET = address('10.0.0.80');

const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const protocol = fc.constantFrom(PPP.lcp, PPP.chap, PPP.pap, PPP.ccp, PPP.ipcp, PPP.compressed, PPP.ipv4, PPP.ipv6);
const frame = fc
  .record({ head: fc.constantFrom([], [0xff, 0x03]), number: protocol, body: octets(60) })
  .map(({ head, number, body }) => concatBytes(Uint8Array.of(...head, number >> 8, number & 0xff), body));

type Deed =
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'host'; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly ahead: number }
  | { readonly kind: 'talk' }
  | { readonly kind: 'wait'; readonly ms: number };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('raw' as const), bytes: octets(120) }),
  fc.record({ kind: fc.constant('host' as const), bytes: octets(120) }),
  fc.record({ kind: fc.constant('frame' as const), bytes: frame, ahead: fc.integer({ min: -3, max: 6 }) }),
  fc.record({ kind: fc.constant('talk' as const) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3_000) }),
);

const points = fc.shuffledSubarray([...CAPTURE_POINTS], { minLength: 1 });

interface Story {
  /** Everything on the outer wire, and everything that the intranet got. */
  readonly outer: readonly Uint8Array[];
  readonly intranet: readonly Uint8Array[];
  readonly drops: readonly (readonly [string, number])[];
  readonly faults: number;
  readonly file: PcapngFile | undefined;
}

/** The same deeds in the same world, watched or not. */
const live = async (
  deeds: readonly Deed[],
  seed: number,
  watch: { readonly points: readonly CapturePoint[]; readonly room: number } | undefined,
): Promise<Story> => {
  const lab = await GatewayLab.start({ seed, env: { PPTP_GRE_WINDOW: seed % 2 === 0 ? 'on' : 'off' } });
  const capture =
    watch === undefined
      ? undefined
      : started(capturesOf(lab, { room: watch.room }).start(order({ points: watch.points })));
  const reading = capture === undefined ? undefined : octetsOf(capture);
  const client = await lab.connect();
  const callId = client.peer.call?.peerCallId ?? 0;
  let next = 1 + Math.max(...sentFrom(client.outer, lab.wire.seen).map(({ sequence }) => sequence));
  const intranet: Uint8Array[] = [];
  for (const one of deeds) {
    if (one.kind === 'raw') injectGre(client, one.bytes);
    else if (one.kind === 'host') lab.tun.hostSends(one.bytes);
    else if (one.kind === 'frame') {
      injectGre(client, grePacket(callId, (next + one.ahead) >>> 0, one.bytes));
      if (one.ahead === 0) next += 1;
    } else if (one.kind === 'talk') {
      client.tun.hostSends(ipv4Packet({ source: client.address, destination: INTRANET }));
      lab.tun.hostSends(ipv4Packet({ source: INTRANET, destination: client.address }));
      await lab.clock.advance(1);
    } else {
      await lab.clock.advance(one.ms);
    }
  }
  await lab.clock.advance(1_000);
  for (let got = lab.tun.hostReceives(); got !== undefined; got = lab.tun.hostReceives()) intranet.push(got);
  capture?.end('asked');
  const bytes = await reading;
  return {
    outer: lab.wire.seen.map((seen) => seen.bytes),
    intranet,
    drops: [...lab.telemetry.drops],
    faults: lab.log.lines.filter(({ event }) => event === 'probe.fault').length,
    file: bytes === undefined ? undefined : readPcapng(bytes),
  };
};

describe('a capture', () => {
  it('changes nothing of what happens, and is a file that can be read, whatever passes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { maxLength: 30 }),
        fc.nat(1000),
        points,
        fc.constantFrom(2_000, 1_000_000),
        async (deeds, seed, where, room) => {
          const watched = await live(deeds, seed + 1, { points: where, room });
          const alone = await live(deeds, seed + 1, undefined);
          expect(watched.faults).toBe(0);
          expect({ ...watched, file: undefined }).toEqual(alone);
          const { packets, statistics, interfaces } = watched.file ?? { packets: [], statistics: [], interfaces: [] };
          expect(interfaces.map(({ name }) => name)).toEqual(where);
          for (const { point, delivered, received, dropped } of statistics) {
            expect(packets.filter((one) => one.point === point)).toHaveLength(delivered);
            expect(delivered + dropped).toBe(received);
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it('shows nothing of an authentication frame behind its header, however it is wrapped', () => {
    const secret = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0x5e, 0xc3, 0xe7);
    const quoted = (inner: Uint8Array): Uint8Array =>
      concatBytes(Uint8Array.of(0xc0, 0x21, 8, 1, 0, 4 + inner.length), inner);
    fc.assert(
      fc.property(
        fc.constantFrom(PPP.pap, PPP.chap, PPP.eap, PPP.spap, 0xc281),
        fc.boolean(),
        fc.boolean(),
        octets(20),
        fc.integer({ min: -1, max: 0xffff }),
        (number, addressed, rejected, after, acknowledgment) => {
          const plain = concatBytes(Uint8Array.of(number >> 8, number & 0xff, 2, 1, 0, 30), secret, after);
          const inner = rejected ? quoted(plain) : plain;
          const whole = concatBytes(Uint8Array.of(...(addressed ? [0xff, 0x03] : [])), inner);
          const packet = grePacket(7, 3, whole, acknowledgment);
          expect(contains(whole.slice(0, shownOfFrame(whole, 0, whole.length)), secret.slice(0, 1))).toBe(false);
          expect(contains(packet.slice(0, shownOfGre(packet, 0, packet.length)), secret.slice(0, 3))).toBe(false);
        },
      ),
    );
  });

  it('never takes more than there is, of any octets', () => {
    fc.assert(
      fc.property(octets(80), (bytes) => {
        for (const shown of [shownOfFrame(bytes, 0, bytes.length), shownOfGre(bytes, 0, bytes.length)]) {
          expect(shown).toBeGreaterThanOrEqual(0);
          expect(shown).toBeLessThanOrEqual(bytes.length);
        }
      }),
    );
  });
});
