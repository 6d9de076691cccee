import { trace } from '@opentelemetry/api';
import type { GatewayConfig } from '../config/types.ts';
import { PacketTracing } from '../core/datapath/packet-tracing.ts';
import type { Probes } from '../core/datapath/probe.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import { packetSpans } from '../observability/packet-spans.ts';
import { ENTRANCES } from './session/entrances.ts';

export const RATIO_IN_VAIN = 'PPTP_TRACE_PACKETS_RATIO has no effect: no OTEL_* variable says where to send traces.';

/** Begins to trace packets of a gateway or a client, with a rule for the configured ratio if there is one. */
export type TracePackets = (pipeline: { readonly probes: Probes }) => PacketTracing | undefined;

/** `collected`: somebody takes the spans. If not, there is no tracing; that is said once if a ratio is configured. */
export const packetTraces = (
  { ratio, perSecond }: GatewayConfig['packetTraces'],
  collected: boolean,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): TracePackets => {
  if (!collected) {
    if (ratio > 0) log.warn('packet-traces.off', RATIO_IN_VAIN);
    return () => undefined;
  }
  const spans = packetSpans({ tracer: trace.getTracer('pptp-gateway'), now: clock.now });
  return ({ probes }) => {
    const tracing = new PacketTracing(probes, spans, { perSecond, uniform: Math.random, entrances: ENTRANCES });
    if (ratio > 0) tracing.addRule({ ratio });
    return tracing;
  };
};
