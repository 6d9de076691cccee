// Small packets through one tunnel of each kind: the highest rate that arrives almost whole, what is lost at one fixed
// rate, and the CPU time of a packet there. Side by side and in turn.
import { cpuMicroseconds } from './support/children.ts';
import { type Compared, makeCompared } from './support/compared.ts';
import { numberOption, showMaybe, showSpread, spread } from './support/numbers.ts';
import { sendDatagrams } from './support/probe.ts';
import { type Outcome, runBench } from './support/report.ts';
import { inTurn } from './support/rounds.ts';
import { atLeast, atMost, ratios, type Verdict } from './support/verdicts.ts';
import { spreadOf } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 1);
const OCTETS = numberOption('size', 64);
/** Datagrams that the sender gives its kernel as one. */
const SEGMENTS = numberOption('segments', 1);
/** Packets per second of the target. */
const RATE = numberOption('rate', 200_000);
/** A rate with no more loss than this, in %, counts as carried. */
const MOST_LOSS = 0.1;
/** Where the search begins and ends, packets per second, and its steps: each halves what is left, in proportion. */
const [LEAST, MOST] = [20_000, 1_280_000];
const STEPS = numberOption('steps', 5);

interface Trial {
  /** In % of those sent. */
  readonly loss: number;
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  /** Undefined where no process carries the packets. */
  readonly serverMicroseconds: number | undefined;
  readonly clientMicroseconds: number | undefined;
}

const trial = async ({ children }: Bench, way: Compared, rate: number): Promise<Trial> => {
  const { carriers } = way;
  const look = () => carriers && { server: cpuMicroseconds(carriers.gateway), client: cpuMicroseconds(carriers.peer) };
  const before = look();
  const ends = { from: way.from, to: way.server, target: way.target };
  const { sent, received, seconds } = await sendDatagrams(children, ends, {
    octets: OCTETS,
    seconds: SECONDS,
    rate,
    segments: SEGMENTS,
  });
  const after = look();
  return {
    loss: sent === 0 ? 100 : (100 * Math.max(0, sent - received)) / sent,
    sentPerSecond: sent / seconds,
    receivedPerSecond: received / seconds,
    serverMicroseconds: before && after && (after.server - before.server) / Math.max(1, received),
    clientMicroseconds: before && after && (after.client - before.client) / Math.max(1, received),
  };
};

/** The highest rate found that arrived almost whole; 0 when none did. Counted is what was really sent. */
const highestRate = async (bench: Bench, way: Compared): Promise<number> => {
  let [low, high, best] = [LEAST, MOST, 0];
  for (let step = 0; step < STEPS; step += 1) {
    const rate = Math.sqrt(low * high);
    const { loss, sentPerSecond } = await trial(bench, way, rate);
    if (loss <= MOST_LOSS) {
      best = Math.max(best, sentPerSecond);
      low = rate;
    } else {
      high = rate;
    }
  }
  return best;
};

interface Case {
  readonly way: Compared;
  readonly rates: number[];
  readonly fixed: Trial[];
}

const resultOf = ({ way, rates, fixed }: Case) => ({
  way: way.name,
  carriedPerSecond: spread(rates),
  lossPercent: spread(fixed.map(({ loss }) => loss)),
  sentPerSecond: spread(fixed.map(({ sentPerSecond }) => sentPerSecond)),
  receivedPerSecond: spread(fixed.map(({ receivedPerSecond }) => receivedPerSecond)),
  serverMicroseconds: spreadOf(fixed, ({ serverMicroseconds }) => serverMicroseconds),
  clientMicroseconds: spreadOf(fixed, ({ clientMicroseconds }) => clientMicroseconds),
});

const ratiosOf = (cases: readonly Case[]) => {
  const ours = cases.find(({ way }) => way.name === 'pptp');
  if (ours === undefined) return [];
  return cases
    .filter((one) => one !== ours)
    .map((one) => ({ against: one.way.name, carried: ratios(ours.rates, one.rates) }));
};

const verdictsOf = (cases: readonly Case[]): readonly Verdict[] =>
  cases
    .filter(({ way }) => way.name === 'pptp')
    .flatMap(({ rates, fixed }) => [
      atLeast('small-packets', `packets of ${OCTETS} octets carried per second`, spread(rates), RATE),
      atMost('small-packets', `% lost of ${RATE} per second`, spread(fixed.map(({ loss }) => loss)), MOST_LOSS),
    ]);

const run = async (bench: Bench): Promise<Outcome> => {
  const { ways, leftOut } = await makeCompared(bench);
  const cases: readonly Case[] = ways.map((way) => ({ way, rates: [], fixed: [] }));
  // What compiles while it works has to be warm.
  for (const { way } of cases) await trial(bench, way, RATE / 4);
  await inTurn(ROUNDS, cases, async ({ way, rates, fixed }) => {
    rates.push(await highestRate(bench, way));
    fixed.push(await trial(bench, way, RATE));
  });
  const described = ways.map(({ name, about, mtu }) => ({ name, about, mtu }));
  const [results, against] = [cases.map(resultOf), ratiosOf(cases)];
  return {
    title: 'Small packets',
    about: [
      `UDP in IPv4 packets of ${OCTETS} octets, client to server, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, in turn.`,
      ...(SEGMENTS === 1 ? [] : [`The sender gives its kernel ${SEGMENTS} datagrams as one.`]),
      `carried: the highest rate with at most ${MOST_LOSS} % lost. The rest at ${RATE} per second; CPU in µs per packet that arrived.`,
      ...leftOut.map(({ name, reason }) => `${name}: left out: ${reason}`),
    ],
    tables: [
      {
        rows: [
          ['way', 'carried/s', 'sent/s', 'arrived/s', 'lost %', 'CPU µs server', 'CPU µs client'],
          ...results.map((one) => [
            one.way,
            showSpread(one.carriedPerSecond),
            showSpread(one.sentPerSecond),
            showSpread(one.receivedPerSecond),
            showSpread(one.lossPercent),
            showMaybe(one.serverMicroseconds),
            showMaybe(one.clientMicroseconds),
          ]),
        ],
      },
      {
        rows: [['pptp carried against', 'ratio'], ...against.map((one) => [one.against, showSpread(one.carried)])],
      },
    ],
    verdicts: verdictsOf(cases),
    numbers: {
      ...{ rounds: ROUNDS, seconds: SECONDS, octets: OCTETS, segments: SEGMENTS, rate: RATE, steps: STEPS },
      ...{ ways: described, leftOut, results, ratios: against },
    },
  };
};

await runBench('small-packets', () => withNamespaces(run));
