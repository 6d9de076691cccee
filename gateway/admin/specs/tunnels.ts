import type { RouteSpec } from '../spec.ts';
import { named } from './json.ts';

export const TUNNELS: RouteSpec = {
  method: 'GET',
  url: '/v1/tunnels',
  role: 'read',
  tag: 'sessions',
  summary: 'Tunnels, in the order of their beginning',
};

export const TUNNEL: RouteSpec = {
  method: 'GET',
  url: '/v1/tunnels/:id',
  role: 'read',
  tag: 'sessions',
  summary: 'One tunnel',
  params: named('id'),
};
