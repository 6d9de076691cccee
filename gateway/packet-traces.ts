import { trace } from '@opentelemetry/api';
import type { GatewayConfig } from '../config/types.ts';
import { PacketTracing } from '../core/datapath/packet-tracing.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import { packetSpans } from '../observability/packet-spans.ts';
import type { Gateway } from './bootstrap.ts';
import { ENTRANCES } from './session/entrances.ts';

/**
 * Packet traces of a gateway, with a rule for the ratio that the configuration asks for. Undefined when nobody collects
 * traces: `collected` says so.
 */
export function tracePackets(
  gateway: Pick<Gateway, 'probes'>,
  { ratio, perSecond }: GatewayConfig['packetTraces'],
  collected: boolean,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): PacketTracing | undefined {
  if (!collected) {
    if (ratio > 0) {
      const message = 'PPTP_TRACE_PACKETS_RATIO has no effect: no OTEL_* variable says where to send traces.';
      log.warn('packet-traces.off', message);
    }
    return undefined;
  }
  const spans = packetSpans({ tracer: trace.getTracer('pptp-gateway'), now: clock.now });
  const tracing = new PacketTracing(gateway.probes, spans, { perSecond, uniform: Math.random, entrances: ENTRANCES });
  if (ratio > 0) tracing.addRule({ ratio });
  return tracing;
}
