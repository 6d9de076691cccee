import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { formatIpv4 } from '../core/bytes/ipv4-address.ts';
import type { PacketOutcome, PacketStep, PacketTrace } from '../core/datapath/packet-trace.ts';
import type { SpanReference } from '../core/ports/telemetry.ts';
import type { Instant } from '../core/time.ts';
import { MPPE_BIT, MPPE_COUNT_MASK } from '../core/wire/mppe-header.ts';

/** Attributes of packet spans, with what they say; docs/packet-traces.md has the same table, a test compares. */
export const PACKET_ATTRIBUTES = {
  'pptp.packet.direction': '`in`: from the peer, `out`: to the peer.',
  'pptp.packet.outcome':
    '`delivered` to the device at the end, `diverted` to the state machines of the tunnel, `held` in a queue whose end was not seen, or the reason why it was dropped.',
  'pptp.packet.rule': 'Number of the rule that chose the packet (`pptp-gateway trace list`).',
  'pptp.packet.origin': 'The stage that made the packet; absent for packets that came from a device.',
  'pptp.packet.octets_in': 'Size before: of the packet as it came from the device, of a stage’s input.',
  'pptp.packet.octets_out': 'Size after.',
  'pptp.packet.queue_time': 'Seconds that it waited in queues, of the whole.',
  'pptp.batch.packets': 'Packets that the stage worked on at once: the times of its span are those of all of them.',
  'pptp.queue':
    '`reorder`: waited for a GRE number before its own, `window`: for room in the peer’s window, `rate-in` and `rate-out`: for the rate of the session, `outbox`: for the end of the turn in which the gateway made it.',
  'session.id': 'The tunnel.',
  'network.peer.address': 'Outer address of the peer.',
  'network.type': 'Of the user data: `ipv4` or `ipv6`.',
  'ppp.protocol': 'PPP protocol number of the packet, inside MPPE where there is that: `0x0021`.',
  'gre.sequence': 'GRE sequence number; absent for a lone acknowledgment.',
  'gre.acknowledgment': 'GRE acknowledgment number that the packet carries.',
  'mppe.coherency_count': 'Coherency count of the MPPE header.',
  'mppe.flushed': 'Bit A: the tables were initialised before this packet.',
  'mppe.encrypted': 'Bit D.',
  'mppe.compressed': 'Bit C.',
  'pptp.trace.suppressed':
    'Packets that were chosen since the trace before this one, and not traced because too many were in that second.',
  'error.type': 'Of a dropped packet, and of the stage that dropped it: the drop reason.',
} as const;

type PacketAttributes = { readonly [name in keyof typeof PACKET_ATTRIBUTES]?: string | number | boolean | undefined };

export const PACKET_SPAN = 'pptp.packet';
export const QUEUE_SPAN = 'pptp.packet.queue';
export const stageSpan = (stage: string): string => `${PACKET_SPAN}.${stage}`;

const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x0021, 'ipv4'],
  [0x0057, 'ipv6'],
]);
const NOT_DROPPED: ReadonlySet<PacketOutcome> = new Set(['delivered', 'diverted', 'held']);

export interface PacketSpanSettings {
  readonly tracer: Tracer;
  /** The gateway's clock, on which packets say when they came. */
  readonly now: () => Instant;
}

/**
 * Makes a trace of each packet it is told of: a root span `pptp.packet`, linked to the root of the tunnel's set-up, with a
 * child for each step, all with the times of the packet. A dropped packet is an error of the root and of the last step.
 */
export const packetSpans = ({ tracer, now }: PacketSpanSettings): ((packet: PacketTrace) => void) => {
  return (packet) => {
    const offset = Date.now() - now();
    const failure = NOT_DROPPED.has(packet.outcome) ? undefined : packet.outcome;
    const last = packet.steps.at(-1);
    const root = tracer.startSpan(
      PACKET_SPAN,
      {
        kind: SpanKind.INTERNAL,
        startTime: offset + packet.began,
        links: linkTo(packet.setup),
        attributes: present(rootAttributes(packet, failure)),
      },
      ROOT_CONTEXT,
    );
    if (root.isRecording()) {
      const context = trace.setSpan(ROOT_CONTEXT, root);
      for (const step of packet.steps) addStep(tracer, context, step, offset, step === last ? failure : undefined);
    }
    if (failure !== undefined) root.setStatus(errorStatus(failure, last?.stage));
    root.end(offset + packet.ended);
  };
};

const addStep = (tracer: Tracer, context: Context, step: PacketStep, offset: number, failure?: string): void => {
  const name = step.kind === 'queue' ? QUEUE_SPAN : stageSpan(step.stage);
  const attributes = stepAttributes(step);
  const span = tracer.startSpan(name, { startTime: offset + step.began, attributes }, context);
  if (failure !== undefined) {
    span.setAttribute('error.type' satisfies keyof PacketAttributes, failure);
    span.setStatus(errorStatus(failure, step.stage));
  }
  span.end(offset + step.ended);
};

const errorStatus = (reason: string, stage = 'unknown') => ({
  code: SpanStatusCode.ERROR,
  message: `dropped by ${stage}: ${reason}`,
});

const linkTo = (setup: SpanReference | undefined): Link[] => {
  if (setup === undefined) return [];
  const { traceId, spanId, sampled } = setup;
  const context = { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
  return isSpanContextValid(context) ? [{ context }] : [];
};

const rootAttributes = (packet: PacketTrace, failure: string | undefined): PacketAttributes => {
  const { direction, outcome, rule, origin, session, protocol, sequence, acknowledgment, mppeHeader, steps } = packet;
  const sizes = steps.filter((step) => step.kind !== 'queue');
  const waits = steps.filter((step) => step.kind === 'queue');
  return {
    'pptp.packet.direction': direction,
    'pptp.packet.outcome': outcome,
    'pptp.packet.rule': rule,
    'pptp.packet.origin': origin,
    'pptp.packet.octets_in': sizes[0]?.octetsIn,
    'pptp.packet.octets_out': sizes.at(-1)?.octetsOut,
    'pptp.packet.queue_time': waits.reduce((sum, { began, ended }) => sum + (ended - began) / 1000, 0),
    'session.id': session?.id,
    'network.peer.address': session === undefined ? undefined : formatIpv4(session.call.peer),
    'network.type': protocol === undefined ? undefined : NETWORK_TYPES.get(protocol),
    'ppp.protocol': protocol === undefined ? undefined : `0x${protocol.toString(16).padStart(4, '0')}`,
    'gre.sequence': sequence,
    'gre.acknowledgment': acknowledgment,
    ...mppeAttributes(mppeHeader),
    'pptp.trace.suppressed': packet.suppressed > 0 ? packet.suppressed : undefined,
    'error.type': failure,
  };
};

const mppeAttributes = (header: number | undefined): PacketAttributes =>
  header === undefined
    ? {}
    : {
        'mppe.coherency_count': header & MPPE_COUNT_MASK,
        'mppe.flushed': (header & MPPE_BIT.flushed) !== 0,
        'mppe.encrypted': (header & MPPE_BIT.encrypted) !== 0,
        'mppe.compressed': (header & MPPE_BIT.compressed) !== 0,
      };

/** Made for each span of each packet: nothing in it may be undefined. */
const stepAttributes = (step: PacketStep): PacketAttributes & Attributes =>
  step.kind === 'queue'
    ? { 'pptp.queue': step.queue }
    : {
        'pptp.packet.octets_in': step.octetsIn,
        'pptp.packet.octets_out': step.octetsOut,
        'pptp.batch.packets': step.packets,
      };

const present = (attributes: PacketAttributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
