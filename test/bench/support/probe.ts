import type { Netns } from '../../support/netns.ts';
import type { Children } from './children.ts';
import { jsonLine, said } from './lines.ts';
import { nativeProgram } from './programs.ts';

const LOAD_PORT = 5300;
/** What a program may take longer than it was asked to, in ms. */
const GRACE_MS = 20_000;

/** Round trips of ICMP echo, in µs, and how many had no answer. */
export interface RoundTrips {
  readonly microseconds: readonly number[];
  readonly lost: number;
}

/** `count` echo requests, one every `intervalMs`; the next waits for the answer of the one before, a second at most. */
export const roundTrips = async (
  children: Children,
  from: Netns,
  target: string,
  { count, intervalMs }: { readonly count: number; readonly intervalMs: number },
): Promise<RoundTrips> => {
  const { value } = await children.startProgram(
    from,
    [nativeProgram('icmp-probe'), target, String(count), String(intervalMs)],
    {},
    (line) => {
      const { microseconds, lost } = jsonLine(line);
      return Array.isArray(microseconds) && typeof lost === 'number'
        ? { microseconds: microseconds.map(Number), lost }
        : undefined;
    },
    count * intervalMs + GRACE_MS,
  );
  return value;
};

/** The value below which that share of the values lies; 0 of none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
};

export interface Datagrams {
  readonly sent: number;
  readonly received: number;
  /** From the first to the last, where they were sent. */
  readonly seconds: number;
}

const numberIn = (name: string) => (line: string) => {
  const { [name]: count, seconds } = jsonLine(line);
  return typeof count === 'number' && typeof seconds === 'number' ? { count, seconds } : undefined;
};

/**
 * A stream of UDP datagrams of so many octets, IP header included; `rate` per second, 0 for as many as it takes. The
 * kernel gets `segments` of them at a time as one.
 */
export const sendDatagrams = async (
  children: Children,
  way: { readonly from: Netns; readonly to: Netns; readonly target: string },
  {
    octets,
    seconds,
    rate,
    port = LOAD_PORT,
    segments = 1,
  }: {
    readonly octets: number;
    readonly seconds: number;
    readonly rate: number;
    readonly port?: number;
    readonly segments?: number;
  },
): Promise<Datagrams> => {
  const limit = seconds * 1000 + GRACE_MS;
  let tell: (received: number) => void = () => undefined;
  const counted = new Promise<number>((resolve, reject) => {
    tell = resolve;
    setTimeout(() => reject(new Error('the receiver of the datagrams did not end')), limit).unref();
  });
  const count = numberIn('received');
  await children.startProgram(way.to, [nativeProgram('udp-load'), 'receive', '0.0.0.0', String(port)], {}, (line) => {
    const found = count(line);
    if (found !== undefined) tell(found.count);
    return said('listening')(line);
  });
  const words = ['send', way.target, port, octets, seconds, rate, segments].map(String);
  const { value } = await children.startProgram(
    way.from,
    [nativeProgram('udp-load'), ...words],
    {},
    numberIn('sent'),
    limit,
  );
  return { sent: value.count, received: await counted, seconds: value.seconds };
};
