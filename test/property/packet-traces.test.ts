import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../core/bytes/bytes.ts';
import type { PacketRule } from '../../core/datapath/packet-rules.ts';
import type { PacketTrace } from '../../core/datapath/packet-trace.ts';
import type { PacketTracing } from '../../core/datapath/packet-tracing.ts';
import { DROP_REASONS } from '../../core/outcome.ts';
import { sessionParts } from '../../testing/lab/session-parts.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { grePacket, injectGre, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { traced } from '../support/packet-traces.ts';

const INTRANET = address('10.0.0.80');
const USERS = { alice: { password: 'a' }, bob: { password: 'b' } };

type Deed =
  | { readonly kind: 'up' | 'down'; readonly who: 0 | 1; readonly times: number; readonly octets: number }
  | { readonly kind: 'spoof'; readonly octets: number }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'gre'; readonly ahead: number; readonly bytes: Uint8Array }
  | { readonly kind: 'host'; readonly bytes: Uint8Array }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'rule'; readonly rule: PacketRule }
  | { readonly kind: 'no-rule'; readonly id: number };

const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const rule: fc.Arbitrary<PacketRule> = fc.record(
  {
    user: fc.constantFrom('alice', 'bob', 'nobody'),
    ratio: fc.constantFrom(0.1, 0.5, 1),
    packets: fc.integer({ min: 1, max: 20 }),
    dropsOnly: fc.boolean(),
    forMs: fc.integer({ min: 1, max: 500 }),
  },
  { requiredKeys: [] },
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('up' as const, 'down' as const),
    who: fc.constantFrom(0 as const, 1 as const),
    times: fc.integer({ min: 1, max: 90 }),
    octets: fc.constantFrom(20, 100, 1390, 1500),
  }),
  fc.record({ kind: fc.constant('spoof' as const), octets: fc.constantFrom(20, 100) }),
  fc.record({ kind: fc.constant('raw' as const), bytes: octets(60) }),
  fc.record({ kind: fc.constant('gre' as const), ahead: fc.integer({ min: -3, max: 70 }), bytes: octets(40) }),
  fc.record({ kind: fc.constant('host' as const), bytes: octets(60) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(20), fc.nat(400)) }),
);
const rules: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('rule' as const), rule }),
  fc.record({ kind: fc.constant('no-rule' as const), id: fc.integer({ min: 1, max: 12 }) }),
);

/** A bit of everything, so that no run is about nothing. */
const BUSY: Deed[] = [
  { kind: 'up', who: 0, times: 90, octets: 100 },
  { kind: 'down', who: 1, times: 90, octets: 1390 },
  { kind: 'wait', ms: 400 },
  { kind: 'spoof', octets: 100 },
  { kind: 'raw', bytes: Uint8Array.of(1, 2, 3) },
  { kind: 'gre', ahead: 1, bytes: Uint8Array.of(0x90, 0, 1, 2) },
  { kind: 'down', who: 0, times: 5, octets: 1500 },
  { kind: 'wait', ms: 400 },
];

interface World {
  readonly lab: GatewayLab;
  readonly peers: readonly (LabPeer & { readonly address: ReturnType<typeof address> })[];
  /** Number after the last that bob used in his set-up. */
  readonly next: number;
  readonly tracing: PacketTracing;
  readonly traces: PacketTrace[];
}

/** Every third world has so little room that packets wait for it. */
const LIMIT = { bitsPerSecond: 400_000, burstOctets: 3_000 };
const LIMITED = sessionParts({
  policies: [{ name: 'slow', admit: () => ({ admit: true, profile: { rate: { up: LIMIT, down: LIMIT } } }) }],
});

const makeWorld = async (seed: number, env: Readonly<Record<string, string>>): Promise<World> => {
  const lab = await GatewayLab.start({
    users: USERS,
    seed,
    env,
    plugins: seed % 3 === 0 ? [LIMITED] : [],
    faults: { reorder: 0.1, duplicate: 0.05, loss: 0.02 },
  });
  const dialled = [await lab.dial({ password: 'a' }), await lab.dial({ user: 'bob', password: 'b' })];
  // The path loses packets: restart timers need their time.
  await lab.clock.advance(30_000);
  const peers = dialled.map((one) => ({ ...one, address: one.peer.network?.address ?? address('0.0.0.0') }));
  let number = seed;
  const uniform = (): number => {
    number = (number * 1103515245 + 12345) % 2 ** 31;
    return number / 2 ** 31;
  };
  const used = sentFrom(peers[1]?.outer ?? address('0.0.0.0'), lab.wire.seen).map(({ sequence }) => sequence);
  return { lab, peers, next: 1 + Math.max(-1, ...used), ...traced(lab.gateway, { uniform }) };
};

const perform = async ({ lab, peers, next, tracing }: World, one: Deed, tracingToo: boolean): Promise<void> => {
  const [alice, bob] = peers;
  if (alice === undefined || bob === undefined) return;
  switch (one.kind) {
    case 'up':
    case 'down': {
      const peer = one.who === 0 ? alice : bob;
      const [source, destination] = one.kind === 'up' ? [peer.address, INTRANET] : [INTRANET, peer.address];
      const bytes = ipv4Packet({ source, destination, payload: new Uint8Array(one.octets - 20) });
      for (let i = 0; i < one.times; i += 1) (one.kind === 'up' ? peer : lab).tun.hostSends(bytes);
      break;
    }
    case 'spoof':
      bob.tun.hostSends(
        ipv4Packet({ source: alice.address, destination: INTRANET, payload: new Uint8Array(one.octets - 20) }),
      );
      break;
    case 'raw':
      injectGre(bob, one.bytes);
      break;
    case 'gre': {
      const frame = concatBytes(Uint8Array.of(0xff, 0x03, 0x00, 0xfd), one.bytes);
      injectGre(bob, grePacket(bob.peer.call?.peerCallId ?? 0, (next + one.ahead) >>> 0, frame));
      break;
    }
    case 'host':
      lab.tun.hostSends(one.bytes);
      break;
    case 'wait':
      await lab.clock.advance(one.ms);
      break;
    case 'rule':
      if (tracingToo) tracing.addRule(one.rule);
      break;
    case 'no-rule':
      if (tracingToo) tracing.remove(String(one.id));
      break;
  }
};

/** All that anybody outside could notice. */
const seenOf = ({ lab, peers }: World) => ({
  wire: lab.wire.seen,
  host: received(lab),
  hosts: peers.map(received),
  drops: [...lab.telemetry.drops],
  passed: [...lab.telemetry.passed],
  faults: lab.telemetry.faults,
  errors: lab.log.events('error'),
});

const received = ({ tun }: { readonly tun: LabPeer['tun'] }): Uint8Array[] => {
  const packets: Uint8Array[] = [];
  for (let packet = tun.hostReceives(); packet !== undefined; packet = tun.hostReceives()) packets.push(packet);
  return packets;
};

const environment = fc.constantFrom({}, { PPTP_GRE_WINDOW: 'on', PPTP_GRE_WINDOW_QUEUE: '8' });

describe('packet traces', () => {
  it('never change what comes out, whatever the rules, the packets and the path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 3, arbitrary: deed }, { weight: 1, arbitrary: rules }), { maxLength: 25 }),
        fc.nat(1000),
        environment,
        async (deeds, seed, env) => {
          const [plain, watched] = [await makeWorld(seed + 1, env), await makeWorld(seed + 1, env)];
          for (const one of deeds) {
            await perform(plain, one, false);
            await perform(watched, one, true);
          }
          await plain.lab.clock.advance(1_000);
          await watched.lab.clock.advance(1_000);
          expect(seenOf(watched)).toEqual(seenOf(plain));
          expect(watched.traces.filter((trace) => !isWellFormed(trace))).toEqual([]);
        },
      ),
      { numRuns: 25, examples: [[BUSY, 1, {}]] },
    );
  }, 120_000);

  it('of all packets agree with what the stages count: every delivery and every drop is there once', async () => {
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 20 }), fc.nat(1000), environment, async (deeds, seed, env) => {
        const world = await makeWorld(seed + 1, env);
        const { lab, tracing, traces } = world;
        const passed = new Map(lab.telemetry.passed);
        const drops = new Map(lab.telemetry.drops);
        tracing.addRule({});
        tracing.addRule({ dropsOnly: true });
        for (const one of deeds) await perform(world, one, true);
        await lab.clock.advance(1_000);

        for (const { outcome, steps } of traces) {
          kinds.add(outcome);
          for (const step of steps) if (step.kind === 'queue') kinds.add(step.queue);
        }
        const told = new Map<string, number>();
        for (const { direction, outcome, steps } of traces) {
          const name = [steps.at(-1)?.stage, direction, ...(outcome === 'delivered' ? [] : [outcome])].join(' ');
          if (outcome !== 'diverted' && outcome !== 'held') told.set(name, (told.get(name) ?? 0) + 1);
        }
        const counted = new Map<string, number>();
        for (const device of ['tun in', 'gre-socket out']) {
          const count = (lab.telemetry.passed.get(device) ?? 0) - (passed.get(device) ?? 0);
          if (count > 0) counted.set(device, count);
        }
        for (const [name, count] of lab.telemetry.drops) {
          if (count > (drops.get(name) ?? 0)) counted.set(name, count - (drops.get(name) ?? 0));
        }
        expect(Object.fromEntries(told)).toEqual(Object.fromEntries(counted));
        expect(tracing.counts().suppressed).toBe(0);
      }),
      {
        numRuns: 25,
        examples: [
          [BUSY, 1, {}],
          [BUSY, 1, { PPTP_GRE_WINDOW: 'on', PPTP_GRE_WINDOW_QUEUE: '8' }],
          [BUSY, 2, {}],
        ],
      },
    );
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining([
        'decrypt-failed',
        'delivered',
        'diverted',
        'duplicate',
        'outbox',
        'queue-full',
        'rate-in',
        'rate-out',
        'reorder',
        'truncated',
        'window',
      ]),
    );
  }, 120_000);
});

/** Steps follow each other in time, each takes what the one before it left, and the last fits the outcome. */
function isWellFormed({ began, ended, steps, outcome }: PacketTrace): boolean {
  let time = began;
  let size: number | undefined;
  for (const step of steps) {
    if (step.began < time || step.ended < step.began) return false;
    time = step.ended;
    if (step.kind === 'queue') continue;
    if (size !== undefined && step.octetsIn !== size) return false;
    size = step.octetsOut;
  }
  const last = steps.at(-1);
  const dropped = DROP_REASONS.some((reason) => reason === outcome);
  return time === ended && last !== undefined && (dropped || (last.kind === 'device') === (outcome === 'delivered'));
}
