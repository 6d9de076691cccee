import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { GATEWAY } from '../specs/gateway.ts';

/** What `GET /v1/gateway` answers. */
export interface GatewaySummary {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** Calls that are up or being set up. */
  readonly tunnels: number;
  readonly tun: string;
}

export const gatewayRoute: AdminRoute = (app, { version, gateway }) => {
  app.route({
    ...fromSpec(GATEWAY),
    handler: (): GatewaySummary => ({
      version,
      node: process.versions.node,
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
      tunnels: gateway.sessions(),
      tun: gateway.tunName(),
    }),
  });
};
