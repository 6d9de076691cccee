import { connect } from '../../support/netns.ts';
import { type Spread, spread } from './numbers.ts';
import { quantile, roundTrips } from './probe.ts';
import { DIRECTIONS, type Direction, dialGateway, gatewayState, serveLoad, startGateway, transfer } from './ways.ts';
import type { Bench } from './with-namespaces.ts';

const BUSY = [1, 4] as const;
const INTERVAL_MS = 10;
const BEFORE_MS = 700;

/** 1: all have the same; 1/n: one of n has all. */
export const jainIndex = (values: readonly number[]): number => {
  const sum = values.reduce((all, value) => all + value, 0);
  const squares = values.reduce((all, value) => all + value * value, 0);
  return squares === 0 ? 0 : (sum * sum) / (values.length * squares);
};

export interface Fairness {
  readonly busy: number;
  readonly direction: Direction;
  /** Round trips and a TCP connection of the quiet tunnel, one after the other. */
  readonly p50Microseconds: Spread;
  readonly p99Microseconds: Spread;
  readonly lost: number;
  readonly quietMegabits: Spread;
  /** Of all busy tunnels together, and how equally they share it. */
  readonly busyMegabits: Spread;
  readonly jain: Spread;
}

/** A gateway with a quiet tunnel and up to four that carry as much TCP as they take. */
export const fairness = async (bench: Bench, rounds: number, seconds: number): Promise<readonly Fairness[]> => {
  const { children, namespace } = bench;
  const server = namespace();
  await startGateway(children, server, await gatewayState(bench.state));
  const clients = [];
  for (let at = 0; at <= Math.max(...BUSY); at += 1) {
    const ns = namespace();
    connect(
      { ns: server, device: `out${at}`, addresses: [`10.22${at}.0.1/24`] },
      { ns, device: 'out', addresses: [`10.22${at}.0.2/24`] },
    );
    const { gateway } = await dialGateway(children, ns, { server: `10.22${at}.0.1`, local: `10.22${at}.0.2` });
    clients.push({ name: 'pptp', from: ns, target: gateway });
  }
  await serveLoad(children, server);
  const [quiet, ...others] = clients;
  if (quiet === undefined) return [];
  const count = Math.ceil((seconds * 1000) / INTERVAL_MS);
  const once = async (busy: number, direction: Direction) => {
    const probe = async () => {
      await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
      const trips = await roundTrips(children, quiet.from, quiet.target, { count, intervalMs: INTERVAL_MS });
      return { ...trips, megabits: (await transfer(children, quiet, direction, seconds)).megabits };
    };
    const long = 2 * (seconds + BEFORE_MS / 1000);
    const [own, ...bulk] = await Promise.all([
      probe(),
      ...others.slice(0, busy).map(async (way) => (await transfer(children, way, direction, long)).megabits),
    ]);
    return { own, bulk };
  };
  const results: Fairness[] = [];
  for (const busy of BUSY) {
    for (const direction of DIRECTIONS) {
      const samples = [];
      for (let round = 0; round < rounds; round += 1) samples.push(await once(busy, direction));
      results.push({
        busy,
        direction,
        p50Microseconds: spread(samples.map(({ own }) => quantile(own.microseconds, 0.5))),
        p99Microseconds: spread(samples.map(({ own }) => quantile(own.microseconds, 0.99))),
        lost: samples.reduce((sum, { own }) => sum + own.lost, 0),
        quietMegabits: spread(samples.map(({ own }) => own.megabits)),
        busyMegabits: spread(samples.map(({ bulk }) => bulk.reduce((sum, rate) => sum + rate, 0))),
        jain: spread(samples.map(({ bulk }) => jainIndex(bulk))),
      });
    }
  }
  return results;
};
