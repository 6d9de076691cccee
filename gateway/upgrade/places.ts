import type { AdminSettings, GatewayConfig } from '../../config/types.ts';
import type { Log } from '../../core/ports/log.ts';
import { MetricsEndpoint } from '../../observability/metrics/endpoint.ts';
import { TcpServer } from '../admin/tcp-server.ts';
import { valueAt } from './kept-settings.ts';

export interface Places {
  readonly admin: Pick<AdminSettings, 'address' | 'port' | 'tlsCert' | 'tlsKey'>;
  readonly metrics: GatewayConfig['metrics'];
}

/** The kernel chooses one, for a moment. */
const ANY_PORT = 0;

/**
 * Whether this process can have the ports of metrics and of the admin API that the one before does not have already, and the
 * certificate. Rejects with METRICS_ENDPOINT or ADMIN_LISTEN; nothing is open afterwards.
 */
export const checkPlaces = async (before: object, { admin, metrics }: Places, log: Log): Promise<void> => {
  const taken = new Set(['admin.port', 'metrics.port'].map((path) => valueAt(before, path)));
  const probe = (port: number): number => (taken.has(port) ? ANY_PORT : port);
  if (metrics.port !== 0) {
    const setting = 'PPTP_METRICS_ADDRESS or PPTP_METRICS_PORT';
    const endpoint = new MetricsEndpoint({ address: metrics.address, port: probe(metrics.port), setting }, () =>
      Promise.reject(new Error('only looked at')),
    );
    await endpoint.start();
    await endpoint.stop();
  }
  if (admin.port === 0) return;
  const tls = admin.tlsCert === 'none' ? undefined : { cert: admin.tlsCert, key: admin.tlsKey };
  const server = new TcpServer({ address: admin.address, port: probe(admin.port), tls, log }, (_request, response) =>
    response.destroy(),
  );
  await server.start();
  await server.stop();
};
