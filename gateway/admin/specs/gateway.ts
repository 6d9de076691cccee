import type { RouteSpec } from '../spec.ts';
import { list, missing, object, text, whole } from './json.ts';

const oneProcess = { pid: whole, uptimeSeconds: whole, tunnels: whole, tun: text };

export const GATEWAY: RouteSpec = {
  method: 'GET',
  url: '/v1/gateway',
  role: 'read',
  tag: 'gateway',
  summary: 'Version, process and number of tunnels',
  answer: object(
    { version: text, node: text, ...oneProcess },
    { workers: list(object({ worker: whole, ...oneProcess })), ...missing },
  ),
};
