import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import type { Life } from '../../life/life.ts';
import type { LifePhase } from '../api/life.ts';
import type { Role } from '../api/roles.ts';
import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { GATEWAY } from '../specs/gateway.ts';

/** What is the same for a gateway of one process and of several. */
export interface GatewayFacts {
  /** Name of the machine. */
  readonly host: string;
  /** What the caller may do. */
  readonly role: Role;
  readonly phase: LifePhase;
  /** ISO 8601: when a drain ends what is left; null without one. */
  readonly deadline: string | null;
  /** Where traces can be looked at: a URL with `{traceId}` in it; null: nowhere. */
  readonly traceLink: string | null;
}

export const gatewayFacts = (life: Life, { role }: FastifyRequest): GatewayFacts => {
  const { phase, deadline } = life.view();
  const { traceLink } = life.config().config.admin;
  return {
    host: hostname(),
    role: role ?? 'read',
    phase,
    deadline,
    traceLink: traceLink === '' ? null : traceLink,
  };
};

/** What `GET /v1/gateway` answers. */
export interface GatewaySummary extends GatewayFacts {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** Calls that are up or being set up. */
  readonly tunnels: number;
  readonly tun: string;
}

export const gatewayRoute: AdminRoute = (app, { version, gateway, life }) => {
  app.route({
    ...fromSpec(GATEWAY),
    handler: (request): GatewaySummary => ({
      ...gatewayFacts(life, request),
      version,
      node: process.versions.node,
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
      tunnels: gateway.sessions(),
      tun: gateway.tunName(),
    }),
  });
};
