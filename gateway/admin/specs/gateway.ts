import { LIFE_PHASES } from '../api/life.ts';
import { ROLES } from '../api/roles.ts';
import type { RouteSpec } from '../spec.ts';
import { list, missing, moment, object, oneOf, orNull, text, whole } from './json.ts';

const oneProcess = { pid: whole, uptimeSeconds: whole, tunnels: whole, tun: text };

export const GATEWAY: RouteSpec = {
  method: 'GET',
  url: '/v1/gateway',
  role: 'read',
  tag: 'gateway',
  summary: 'Version, process, number of tunnels, phase of life, and what the caller may do',
  answer: object(
    {
      version: text,
      node: text,
      ...oneProcess,
      host: text,
      role: oneOf(ROLES),
      phase: oneOf(LIFE_PHASES),
      deadline: orNull(moment),
      traceLink: orNull(text),
    },
    { workers: list(object({ worker: whole, ...oneProcess })), ...missing },
  ),
};
