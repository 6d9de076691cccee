import { fileURLToPath } from 'node:url';
import { type ExportedSpan, exportedSpan, inOrder } from '../../support/exported-span.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import type { GatewayProcess, LogLine } from './gateway-process.ts';
import type { Lab } from './lab.ts';
import { event } from './users.ts';
import { waitFor } from './wait.ts';

const receiver = fileURLToPath(new URL('./otlp-receiver.mjs', import.meta.url));
const ERROR = 2;

/** What makes a gateway of the lab send its traces to the collector, five times a second. */
export const SENDS_TRACES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '200',
} as const;

/** As {@link SENDS_TRACES}, with metrics and the log. */
export const SENDS_ALL = {
  ...SENDS_TRACES,
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_METRIC_EXPORT_INTERVAL: '500',
  OTEL_METRIC_EXPORT_TIMEOUT: '400',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_BLRP_SCHEDULE_DELAY: '200',
} as const;

/** A log record that came to the collector. */
export interface CollectedRecord {
  readonly name: string;
  readonly severity: string;
  readonly body: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A metric as it came with one export. */
export interface CollectedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram';
  /** Of a histogram the count. */
  readonly points: readonly { readonly value: number; readonly attributes: Readonly<Record<string, unknown>> }[];
}

/** An OTLP collector where the gateway runs. */
export class Collector {
  private readonly process: GatewayProcess;

  private constructor(process: GatewayProcess) {
    this.process = process;
  }

  static async start(lab: Lab): Promise<Collector> {
    const command = [process.execPath, receiver] as const;
    const env = { OTLP_BODIES: '1' };
    return new Collector(await lab.startGateway({ command, env, ready: event('otlp.ready') }));
  }

  get spans(): readonly ExportedSpan[] {
    return this.lines('span').map(({ fields }) => exportedSpan(fields));
  }

  get records(): readonly CollectedRecord[] {
    return this.lines('record').map(({ fields }) => fields as unknown as CollectedRecord);
  }

  get metrics(): readonly CollectedMetric[] {
    return this.lines('metric').map(({ fields }) => fields as unknown as CollectedMetric);
  }

  /** Every request of the gateway, as it came. */
  get bodies(): readonly string[] {
    return this.lines('body').map(({ fields }) => String(fields['body']));
  }

  /** Waits for the first span of that name whose attributes are those given. */
  span(name: string, attributes: Readonly<Record<string, unknown>> = {}): Promise<ExportedSpan> {
    const wanted = Object.entries(attributes);
    const fits = (span: ExportedSpan): boolean =>
      span.name === name && wanted.every(([key, value]) => span.attributes[key] === value);
    return this.waitFor(`a span ${name}`, ({ spans }) => spans.find(fits));
  }

  /** Waits for what `pick` finds in what has come since the beginning. */
  waitFor<T>(what: string, pick: (collected: this) => T | undefined, timeoutMs = PATIENCE_MS): Promise<T> {
    return waitFor(`${what} to come to the collector`, () => pick(this), timeoutMs);
  }

  /** The root of the next set-up, all of its trace being there: a root ends with or after its children. */
  async setUp(dial: () => Promise<unknown>): Promise<ExportedSpan> {
    const since = this.process.lines.length;
    await dial();
    const root = event('span', { name: 'pptp.tunnel.setup' });
    const { fields } = await this.process.waitForLog(root, PATIENCE_MS, since);
    return exportedSpan(fields);
  }

  /** Names of a trace as an indented tree; `!` and the word behind what failed. */
  tree(root: ExportedSpan): readonly string[] {
    return inOrder(this.spans, root).map(({ span, depth }) => {
      const failure = span.status.code === ERROR ? ` ! ${String(span.attributes['error.type'])}` : '';
      return `${'  '.repeat(depth)}${span.name}${failure}`;
    });
  }

  /** The spans of that name in the trace of the root. */
  within(root: ExportedSpan, name: string): readonly ExportedSpan[] {
    return this.spans.filter((span) => span.traceId === root.traceId && span.name === name);
  }

  private lines(kind: string): readonly LogLine[] {
    return this.process.lines.filter(event(kind));
  }
}

/** Names of the events of a span, with the direction of packets and messages: `< lcp.configure-request`. */
export const eventsOf = (span: ExportedSpan | undefined): readonly string[] =>
  (span?.events ?? []).map(({ name, attributes }) => {
    const direction = attributes['network.io.direction'];
    return direction === undefined ? name : `${direction === 'receive' ? '<' : '>'} ${name}`;
  });
