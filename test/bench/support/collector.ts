import { readFileSync } from 'node:fs';
import type { Netns } from '../../support/netns.ts';
import type { Children } from './children.ts';
import { jsonLine, said } from './lines.ts';
import { program } from './ways.ts';

/** Where a gateway in the collector's namespace sends traces, and nothing else, twice a second. */
export const SENDS_TRACES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '500',
} as const;

export interface Collected {
  readonly octets: number;
  /** Traced packets. */
  readonly packets: number;
}

/** An OTLP collector in that namespace, a process of its own; the result tells what it has so far. */
export const startCollector = async (children: Children, ns: Netns, file: string): Promise<() => Collected> => {
  await children.start(ns, [program('collector-main'), file], {}, said('listening'));
  return () => {
    const { octets, packets } = jsonLine(readFileSync(file, 'utf8'));
    return { octets: Number(octets), packets: Number(packets) };
  };
};
