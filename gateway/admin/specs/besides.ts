import type { RouteSpec } from '../spec.ts';
import { object, whole } from './json.ts';

/** Of workers only; not part of what operators see. */
export const BESIDES: RouteSpec = {
  method: 'GET',
  url: '/v1/besides',
  role: 'admin',
  tag: 'workers',
  summary: 'How many tunnels came from an address at some time',
  query: {
    type: 'object',
    required: ['peer', 'from'],
    additionalProperties: false,
    properties: {
      peer: { type: 'string', maxLength: 64 },
      from: { type: 'string', format: 'date-time' },
      to: { type: 'string', format: 'date-time' },
    },
  },
  answer: object({ tunnels: whole }),
};
