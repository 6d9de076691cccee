import type { PacketRule } from '../../core/datapath/packet-rules.ts';
import type { PacketStep, PacketTrace } from '../../core/datapath/packet-trace.ts';
import { PacketTracing, type PacketTracingOptions } from '../../core/datapath/packet-tracing.ts';
import type { Gateway } from '../../gateway/bootstrap.ts';
import { ENTRANCES } from '../../gateway/session/entrances.ts';
import type { GatewayLab } from './gateway-lab.ts';

/** Packet traces of a gateway of the lab, or of a client, as they are told. */
export function traced(gateway: Pick<Gateway, 'probes'>, options: Partial<PacketTracingOptions> = {}) {
  const traces: PacketTrace[] = [];
  const tracing = new PacketTracing(gateway.probes, (trace) => traces.push(trace), {
    perSecond: 1_000_000,
    uniform: () => 0,
    entrances: ENTRANCES,
    ...options,
  });
  return { traces, tracing };
}

/** As `traced`, of the gateway itself, with a rule in force. */
export function tracedBy(lab: GatewayLab, rule: PacketRule, options: Partial<PacketTracingOptions> = {}) {
  const { traces, tracing } = traced(lab.gateway, options);
  const handle = tracing.addRule(rule);
  if (handle === undefined) throw new Error('no room for a rule in a test');
  return { traces, tracing, handle };
}

const stepLine = (step: PacketStep): string =>
  step.kind === 'queue'
    ? `${step.stage} waits (${step.queue})`
    : `${step.stage} ${step.octetsIn} > ${step.octetsOut}${step.kind === 'device' ? ' device' : ''}`;

/** A trace for people: what became of the packet, and its steps. */
export const traceLines = ({ direction, outcome, steps }: PacketTrace): string[] => [
  `${direction}: ${outcome}`,
  ...steps.map(stepLine),
];
