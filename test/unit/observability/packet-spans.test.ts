import { readFileSync } from 'node:fs';
import { SpanStatusCode } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PacketTrace } from '../../../core/datapath/packet-trace.ts';
import { instant } from '../../../core/time.ts';
import { PACKET_ATTRIBUTES, packetSpans } from '../../../observability/packet-spans.ts';
import { openSession } from '../../support/batches.ts';

/** The time of day when the gateway's clock stands at 1060 ms. */
const NOON = Date.UTC(2026, 10, 22, 12);
beforeEach(() => {
  vi.useFakeTimers({ now: NOON, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const session = openSession();
const at = instant;
const SETUP = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };

const packet = (more: Partial<PacketTrace> = {}): PacketTrace => ({
  rule: '3',
  direction: 'in',
  session,
  setup: SETUP,
  origin: undefined,
  protocol: 0x21,
  sequence: 7,
  acknowledgment: 4,
  mppeHeader: 0x9123,
  began: at(1_000),
  ended: at(1_050.5),
  steps: [
    { kind: 'stage', stage: 'gre', began: at(1_000), ended: at(1_001), packets: 4, octetsIn: 117, octetsOut: 105 },
    { kind: 'queue', queue: 'reorder', stage: 'sequence', began: at(1_001), ended: at(1_041) },
    { kind: 'stage', stage: 'mppe', began: at(1_041), ended: at(1_050), packets: 2, octetsIn: 104, octetsOut: 100 },
    { kind: 'device', stage: 'tun', began: at(1_050), ended: at(1_050.5), packets: 2, octetsIn: 100, octetsOut: 100 },
  ],
  outcome: 'delivered',
  suppressed: 0,
  ...more,
});

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]): number => seconds * 1000 + nanoseconds / 1e6;

/** Spans of that packet, with their times from its beginning, in order of their ends. */
function spansOf(trace: PacketTrace) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  packetSpans({ tracer: provider.getTracer('test'), now: () => at(1_060) })(trace);
  const spans = exporter.getFinishedSpans();
  const root = spans.find(({ name }) => name === 'pptp.packet');
  if (root === undefined) throw new Error('no root span');
  const began = milliseconds(root.startTime);
  const times = ({ startTime, endTime }: typeof root): readonly number[] =>
    [startTime, endTime].map((time) => Math.round((milliseconds(time) - began) * 100) / 100);
  return { root, children: spans.filter((span) => span !== root), times };
}

test('a packet is one trace, linked to the set-up of its tunnel, with a span for each step and its times', () => {
  const { root, children, times } = spansOf(packet());
  expect(root.parentSpanContext).toBeUndefined();
  expect(root.links).toMatchObject([{ context: { traceId: SETUP.traceId, spanId: SETUP.spanId } }]);
  expect(root.spanContext().traceId).not.toBe(SETUP.traceId);
  expect(times(root)).toEqual([0, 50.5]);
  expect(children.map(({ name }) => name)).toEqual([
    'pptp.packet.gre',
    'pptp.packet.queue',
    'pptp.packet.mppe',
    'pptp.packet.tun',
  ]);
  expect(children.map(times)).toEqual([
    [0, 1],
    [1, 41],
    [41, 50],
    [50, 50.5],
  ]);
  for (const child of children) {
    expect(child.parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    expect(child.spanContext().traceId).toBe(root.spanContext().traceId);
    expect(child.status.code).toBe(SpanStatusCode.UNSET);
  }
  expect(milliseconds(root.startTime)).toBe(NOON - 60);
});

test('attributes say what happened, and nothing of the contents', () => {
  const { root, children } = spansOf(packet());
  expect(root.attributes).toEqual({
    'pptp.packet.direction': 'in',
    'pptp.packet.outcome': 'delivered',
    'pptp.packet.rule': '3',
    'pptp.packet.octets_in': 117,
    'pptp.packet.octets_out': 100,
    'pptp.packet.queue_time': 0.04,
    'session.id': session.id,
    'network.peer.address': '203.0.113.9',
    'network.type': 'ipv4',
    'ppp.protocol': '0x0021',
    'gre.sequence': 7,
    'gre.acknowledgment': 4,
    'mppe.coherency_count': 0x123,
    'mppe.flushed': true,
    'mppe.encrypted': true,
    'mppe.compressed': false,
  });
  expect(children.map(({ attributes }) => attributes)).toEqual([
    { 'pptp.packet.octets_in': 117, 'pptp.packet.octets_out': 105, 'pptp.batch.packets': 4 },
    { 'pptp.queue': 'reorder' },
    { 'pptp.packet.octets_in': 104, 'pptp.packet.octets_out': 100, 'pptp.batch.packets': 2 },
    { 'pptp.packet.octets_in': 100, 'pptp.packet.octets_out': 100, 'pptp.batch.packets': 2 },
  ]);
});

test('a dropped packet is an error of the whole and of the stage that dropped it', () => {
  const { steps } = packet();
  const { root, children } = spansOf(packet({ steps: steps.slice(0, 3), outcome: 'decrypt-failed' }));
  const error = { code: SpanStatusCode.ERROR, message: 'dropped by mppe: decrypt-failed' };
  expect(root.status).toEqual(error);
  expect(root.attributes).toMatchObject({
    'error.type': 'decrypt-failed',
    'pptp.packet.outcome': 'decrypt-failed',
  });
  expect(children.map(({ status }) => status.code)).toEqual([
    SpanStatusCode.UNSET,
    SpanStatusCode.UNSET,
    SpanStatusCode.ERROR,
  ]);
  expect(children.at(-1)).toMatchObject({ status: error, attributes: { 'error.type': 'decrypt-failed' } });
});

test('a packet of no tunnel, and one whose set-up nobody collected, have no link', () => {
  const stray = packet({
    session: undefined,
    setup: undefined,
    protocol: undefined,
    sequence: undefined,
    acknowledgment: undefined,
    mppeHeader: undefined,
    outcome: 'unknown-call',
  });
  expect(spansOf(stray).root).toMatchObject({ links: [], attributes: { 'error.type': 'unknown-call' } });
  expect(spansOf(stray).root.attributes).not.toHaveProperty('session.id');
  const unseen = packet({ setup: { traceId: SETUP.traceId, spanId: '0000000000000000', sampled: false } });
  expect(spansOf(unseen).root.links).toEqual([]);
});

test('every attribute is in the table, and docs/packet-traces.md has that table', () => {
  const { root, children } = spansOf(packet({ origin: 'mtu', outcome: 'too-big', suppressed: 4 }));
  const used = new Set([root, ...children].flatMap(({ attributes }) => Object.keys(attributes)));
  expect([...used].sort()).toEqual(Object.keys(PACKET_ATTRIBUTES).sort());
  const [, table = ''] = readFileSync('docs/packet-traces.md', 'utf8').split('| attribute | meaning |');
  const rows = [...table.matchAll(/^\| `([a-z._]+)` \| (.*) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, name, text]) => [name, text]))).toEqual(PACKET_ATTRIBUTES);
});
