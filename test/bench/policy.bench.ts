// What the stages for accounting, rates, filters and IPsec policy cost per packet: the whole way between the two devices in
// memory, once without them and once for each that is added, side by side.

import { parseIpNetwork } from '../../core/bytes/ip-network.ts';
import { runStep } from '../../core/datapath/lift.ts';
import type { MppeKernel } from '../../core/datapath/mppe-kernel.ts';
import { typescriptKernel } from '../../core/datapath/mppe-kernel-typescript.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { PacketFilter } from '../../core/datapath/packet-filter.ts';
import type { FilterList } from '../../core/datapath/packet-filter-rules.ts';
import type { Session } from '../../core/datapath/session.ts';
import { type ShapeSettings, setShape } from '../../core/datapath/shape.ts';
import type { Stage } from '../../core/datapath/stage.ts';
import { TrafficCountStage } from '../../core/datapath/stages/traffic-count.stage.ts';
import { TrafficGateStage } from '../../core/datapath/stages/traffic-gate.stage.ts';
import type { Direction } from '../../core/outcome.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import { instant } from '../../core/time.ts';
import { IpsecHooks } from '../../gateway/ipsec-hooks.ts';
import { TrafficRelease } from '../../gateway/traffic-release.ts';
import { IpsecPolicyHook } from '../../plugins/ipsec-policy/hook.ts';
import { MppeAccelerator } from '../../plugins/mppe-native/index.ts';
import { address, silentTelemetry } from '../support/batches.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { CLIENT, carry, type EndParts, fill, GATEWAY, makeEnds, packetDown, packetUp } from './support/tunnel-end.ts';

const BATCH = 64;
const ROUNDS = numberOption('rounds', 15);
const BATCHES = numberOption('batches', 200);
const SIZES = [64, 1396] as const;
const DIRECTIONS = ['in', 'out'] as const;

const nothing = (): void => undefined;

/** So much that nothing is ever above it. */
const RATE = { bitsPerSecond: 1e12, burstOctets: 1e9 };

/** Ten rules with networks, protocols and ports; the packets here agree with the last. */
const TEN_RULES: FilterList = {
  otherwise: 'deny',
  rules: [
    ...Array.from({ length: 9 }, (_, at) => ({
      action: 'allow' as const,
      protocol: at % 2 === 0 ? 6 : 17,
      destination: { version: 4 as const, address: address(`10.${at}.0.0`), prefixLength: 16 },
      destinationPorts: [{ from: 8000, to: 8100 }],
    })),
    { action: 'allow' },
  ],
};

const traffic = (): readonly Stage[] => {
  const events = { onQuotaReached: nothing };
  const gates = DIRECTIONS.map((direction) => {
    const waits = new TrafficRelease(new FakeClock());
    const stage = new TrafficGateStage(direction, { events, waits, released$: waits.released$ });
    waits.attach(stage);
    return stage;
  });
  return [...gates, new TrafficCountStage(events)];
};

const FACTS: SessionFacts = {
  id: sessionId('bench'),
  call: { local: GATEWAY, peer: CLIENT, localCallId: callId(7), peerCallId: callId(7) },
  peerName: '',
  identity: 'alice',
  method: 'ms-chap-v2',
  address: address('10.99.0.2'),
  ipv6Prefix: undefined,
  encryption: 'MPPE 128 stateless',
  profile: {},
  startedAt: 0,
  upAt: 0,
  traceId: '',
};

const protectedNetwork = (): NonNullable<ReturnType<typeof parseIpNetwork>> => {
  const network = parseIpNetwork('10.9.0.0/16');
  if (network === undefined) throw new Error('no network');
  return network;
};

interface Variant {
  readonly name: string;
  readonly parts: () => EndParts;
}

const shaped = (settings: ShapeSettings): EndParts => ({
  stages: traffic(),
  opened: (session) => setShape(session, settings, instant(0)),
});

const withIpsec = ({ stages = [], opened = nothing }: EndParts): EndParts => {
  const options = { destinations: [protectedNetwork()], users: [], rules: [], icmp: false, dns: false };
  const hooks = new IpsecHooks([new IpsecPolicyHook(options)]);
  return {
    stages: [...stages, ...hooks.stages],
    opened: (session: Session) => {
      opened(session);
      hooks.up(FACTS, session);
    },
  };
};

const rate = { up: RATE, down: RATE };
const VARIANTS: readonly Variant[] = [
  { name: 'absent', parts: () => ({}) },
  { name: 'counting', parts: () => ({ stages: traffic() }) },
  { name: '+ rate', parts: () => shaped({ rate }) },
  { name: '+ filter of 10 rules', parts: () => shaped({ rate, filter: new PacketFilter('ten', TEN_RULES) }) },
  { name: '+ IPsec policy', parts: () => withIpsec(shaped({ rate, filter: new PacketFilter('ten', TEN_RULES) })) },
];

const runStages = (stages: readonly Stage[], direction: Direction, batch: PacketBatch): void => {
  for (const stage of stages) {
    const step = direction === 'in' ? stage.inbound : stage.outbound;
    if (step !== undefined) runStep(step, stage.name, direction, batch, silentTelemetry, nothing);
  }
};

/** One variant with packets of one size: µs per packet of each round. */
class Lane {
  readonly costs: Readonly<Record<Direction, number[]>> = { in: [], out: [] };
  private readonly inward: readonly Stage[];
  private readonly outward: readonly Stage[];
  private readonly client: readonly Stage[];
  private readonly down: Uint8Array;
  private readonly up: Uint8Array;
  private readonly sent = new PacketBatch(2 * BATCH);
  private readonly received = new PacketBatch(2 * BATCH);

  constructor({ parts }: Variant, size: number, kernel: MppeKernel) {
    const { gateway, client } = makeEnds({ ...parts(), kernel });
    this.inward = gateway;
    this.outward = gateway.toReversed();
    this.client = client.toReversed();
    this.down = packetDown(size);
    this.up = packetUp(size);
  }

  round(number: number): void {
    const took = { in: 0, out: 0 };
    for (let turn = 0; turn < BATCHES; turn += 1) {
      const now = instant((number + 1) * BATCHES + turn);
      fill(this.sent, this.down, BATCH);
      this.sent.now = now;
      const before = performance.now();
      runStages(this.outward, 'out', this.sent);
      took.out += performance.now() - before;
      this.check(this.sent);
      fill(this.sent, this.up, BATCH);
      this.sent.now = now;
      runStages(this.client, 'out', this.sent);
      carry(this.sent, this.received, CLIENT, GATEWAY);
      this.received.now = now;
      const again = performance.now();
      runStages(this.inward, 'in', this.received);
      took.in += performance.now() - again;
      this.check(this.received);
    }
    // The first round warms up.
    if (number < 0) return;
    for (const direction of DIRECTIONS) this.costs[direction].push((took[direction] * 1000) / (BATCHES * BATCH));
  }

  private check(batch: PacketBatch): void {
    if (batch.count !== BATCH) throw new Error(`${BATCH - batch.count} packets were lost on the way`);
  }
}

const chooseKernel = async (): Promise<{ readonly name: string; readonly kernel: MppeKernel }> => {
  const log = new MemoryLog();
  const accelerator = new MppeAccelerator({ log }, { kernel: 'auto' });
  await accelerator.start();
  const native = log.lines.some(({ fields }) => fields['kernel'] === 'native');
  return native ? { name: 'native', kernel: accelerator } : { name: 'typescript', kernel: typescriptKernel };
};

const cellOf = (lane: Lane | undefined, base: Lane | undefined, direction: Direction) => {
  const own = lane?.costs[direction] ?? [];
  const absent = base?.costs[direction] ?? [];
  const ratios = own.map((cost, round) => cost / (absent[round] ?? cost));
  return { cost: spread(own), ratio: spread(ratios), least: Math.min(...own) - Math.min(...absent) };
};

const run = async (): Promise<Outcome> => {
  const { name, kernel } = await chooseKernel();
  const sizes = SIZES.map((size) => {
    const lanes = VARIANTS.map((variant) => new Lane(variant, size, kernel));
    for (let round = -1; round < ROUNDS; round += 1) {
      // Each round begins with another one, so that what disturbs the machine disturbs all.
      for (const at of lanes.keys()) lanes[(at + round + 1) % lanes.length]?.round(round);
    }
    const variants = VARIANTS.map((variant, at) => ({
      variant: variant.name,
      in: cellOf(lanes[at], lanes[0], 'in'),
      out: cellOf(lanes[at], lanes[0], 'out'),
    }));
    return { size, variants };
  });
  const tables = sizes.map(({ size, variants }) => ({
    title: `${size} octets`,
    rows: [
      ['', ...DIRECTIONS.flatMap((direction) => [`${direction}: µs`, 'ratio', 'more, ns'])],
      ...variants.map((row) => [
        row.variant,
        ...DIRECTIONS.flatMap((direction) => {
          const { cost, ratio, least } = row[direction];
          return [showSpread(cost), showSpread(ratio), (least * 1000).toFixed(0)];
        }),
      ]),
    ],
  }));
  return {
    title: 'Counting, rates, filters and IPsec policy',
    about: [
      `µs of one core per packet on the whole way between the two devices, in memory; MPPE-128 stateless (kernel: ${name}), batches of ${BATCH}; median (min–max) of ${ROUNDS} rounds.`,
      'Each line has what the lines above it have. "ratio" is to `absent` in the same round, "more" the difference of the fastest rounds.',
      'One session; the rate is never reached; the last of the ten rules agrees; the packets do not go to a protected network.',
    ],
    tables,
    verdicts: [],
    numbers: { batch: BATCH, rounds: ROUNDS, kernel: name, sizes },
  };
};

await runBench('policy', run);
