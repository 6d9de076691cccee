import { GatewayError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';

/**
 * The same, with a failed trace when it rejects: before there is a connection nothing else begins one. Being told to stop is
 * no failure.
 */
export const tracedConnect =
  <T>(
    connect: (signal: AbortSignal) => Promise<T>,
    { clock, telemetry }: { readonly clock: Pick<Clock, 'now'>; readonly telemetry: Telemetry },
    server: string,
  ): ((signal: AbortSignal) => Promise<T>) =>
  async (signal) => {
    const since = clock.now();
    try {
      return await connect(signal);
    } catch (cause) {
      if (!signal.aborted) {
        const error = cause instanceof GatewayError ? cause.code : 'DIAL_FAILED';
        const failure = { error, message: cause instanceof Error ? cause.message : String(cause) };
        const attributes = {
          'network.transport': 'tcp',
          'network.type': 'ipv4',
          'network.protocol.name': 'pptp',
          'server.address': server,
        };
        const trace = telemetry.tunnel(attributes, since, 'client');
        trace.phase('control', {}, since).end(failure);
        trace.end(failure);
      }
      throw cause;
    }
  };
