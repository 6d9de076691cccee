import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { concatBytes } from '../../core/bytes/bytes.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { grePacket, injectGre, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const INTRANET = address('10.0.0.80');
const USERS = { alice: { password: 'a' }, bob: { password: 'b' } };

const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const protocol = fc.oneof(
  fc.constantFrom(0xc021, 0xc223, 0xc023, 0x80fd, 0x8021, 0x8057, 0x00fd, 0x0021, 0x0057, 0xc025),
  fc.nat(0xffff),
);
/** A negotiation packet whose header is right and whose options may be anything. */
const negotiation = fc
  .record({ code: fc.nat(13), identifier: fc.nat(255), data: octets(40) })
  .map(({ code, identifier, data }) => concatBytes(Uint8Array.of(code, identifier, 0, 4 + data.length), data));
const frame = fc
  .record({ head: fc.constantFrom([], [0xff, 0x03]), protocol, body: fc.oneof(octets(80), negotiation) })
  .map(({ head, protocol: number, body }) => concatBytes(Uint8Array.of(...head, number >> 8, number & 0xff), body));

/** What the world does next; Mallory is an authenticated peer who sends what he likes. */
type Deed =
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly ahead: number }
  | { readonly kind: 'foreign'; readonly bytes: Uint8Array; readonly sequence: number }
  | { readonly kind: 'host'; readonly bytes: Uint8Array }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'talk' };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('raw' as const), bytes: octets(120) }),
  fc.record({
    kind: fc.constant('frame' as const),
    bytes: fc.oneof(frame, octets(60)),
    ahead: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -5, max: 80 }), fc.integer()),
  }),
  fc.record({ kind: fc.constant('foreign' as const), bytes: frame, sequence: fc.nat(0xffffffff) }),
  fc.record({ kind: fc.constant('host' as const), bytes: octets(80) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(200), fc.nat(20_000)) }),
  fc.record({ kind: fc.constant('talk' as const) }),
);

class World {
  readonly lab: GatewayLab;
  readonly alice: LabPeer & { readonly address: ReturnType<typeof address> };
  readonly mallory: LabPeer;
  private readonly aliceCallId: number;
  private readonly malloryCallId: number;
  private next: number;
  private words = 0;

  constructor(lab: GatewayLab, alice: World['alice'], mallory: LabPeer) {
    this.lab = lab;
    this.alice = alice;
    this.mallory = mallory;
    this.aliceCallId = alice.peer.call?.peerCallId ?? 0;
    this.malloryCallId = mallory.peer.call?.peerCallId ?? 0;
    this.next = 1 + Math.max(...sentFrom(mallory.outer, lab.wire.seen).map(({ sequence }) => sequence));
  }

  static async make(seed: number): Promise<World> {
    const lab = await GatewayLab.start({ users: USERS, seed });
    const alice = await lab.connect({ password: 'a' });
    const mallory = await lab.connect({ user: 'bob', password: 'b' });
    return new World(lab, alice, mallory);
  }

  async does(one: Deed): Promise<void> {
    switch (one.kind) {
      case 'raw':
        injectGre(this.mallory, one.bytes);
        break;
      case 'frame':
        injectGre(this.mallory, grePacket(this.malloryCallId, (this.next + one.ahead) >>> 0, one.bytes));
        if (one.ahead === 0) this.next += 1;
        break;
      case 'foreign':
        injectGre(this.mallory, grePacket(this.aliceCallId, one.sequence, one.bytes));
        break;
      case 'host':
        this.lab.tun.hostSends(one.bytes);
        break;
      case 'wait':
        await this.lab.clock.advance(one.ms);
        break;
      case 'talk':
        await this.aliceTalks();
        break;
    }
  }

  /** Both ways, with nothing of anybody else's in between. */
  async aliceTalks(): Promise<void> {
    const { lab, alice } = this;
    await lab.clock.advance(1);
    while (lab.tun.hostReceives() !== undefined);
    while (alice.tun.hostReceives() !== undefined);
    this.words += 1;
    const payload = asciiBytes(`words ${this.words}`);
    const up = ipv4Packet({ source: alice.address, destination: INTRANET, payload });
    const down = ipv4Packet({ source: INTRANET, destination: alice.address, payload });
    alice.tun.hostSends(up);
    lab.tun.hostSends(down);
    await lab.clock.advance(1);
    expect(lab.tun.hostReceives()).toEqual(up);
    expect(alice.tun.hostReceives()).toEqual(down);
  }
}

describe('a gateway with live sessions', () => {
  it('takes anything from a peer without an exception and without harm to the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 40 }), fc.nat(1000), async (deeds, seed) => {
        const world = await World.make(seed + 1);
        const { lab, alice, mallory } = world;
        for (const one of deeds) await world.does(one);
        await world.aliceTalks();
        expect(lab.telemetry.faults).toEqual([]);
        expect(lab.log.events('error')).toEqual([]);
        expect(alice.events.map(({ kind }) => kind)).toEqual(['up']);
        expect(lab.deaths).toEqual([]);

        await lab.stop();
        await alice.peer.stop();
        await mallory.peer.stop();
        expect(lab.gateway.sessions()).toBe(0);
        expect(lab.clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});
