import type { FastifyRequest } from 'fastify';
import { type GatewayFacts, type GatewaySummary, gatewayFacts } from '../../../admin/routes/gateway.ts';
import { GATEWAY } from '../../../admin/specs/gateway.ts';
import { everyWorker, type Part, type ViewDeps, type ViewRoute } from '../view-route.ts';

/** What `GET /v1/gateway` answers for a gateway of several processes: of itself the supervisor says the first four. */
export interface CrewSummary extends GatewaySummary {
  readonly workers: readonly (Omit<GatewaySummary, 'version' | 'node' | keyof GatewayFacts> & {
    readonly worker: number;
  })[];
}

const theGateway = (
  parts: readonly Part<GatewaySummary>[],
  { version, life }: ViewDeps,
  request: FastifyRequest,
): CrewSummary => ({
  ...gatewayFacts(life, request),
  version,
  node: process.versions.node,
  pid: process.pid,
  uptimeSeconds: Math.round(process.uptime()),
  tunnels: parts.reduce((sum, { body }) => sum + body.tunnels, 0),
  tun: parts.map(({ body }) => body.tun).join(', '),
  workers: parts.map(({ worker, body: { pid, uptimeSeconds, tunnels, tun } }) => ({
    worker,
    pid,
    uptimeSeconds,
    tunnels,
    tun,
  })),
});

export const gatewayViews: readonly ViewRoute[] = [everyWorker(GATEWAY, theGateway)];
