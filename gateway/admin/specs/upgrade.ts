import type { RouteSpec } from '../spec.ts';
import { flag, object, whole } from './json.ts';

export const UPGRADE: RouteSpec = {
  method: 'POST',
  url: '/v1/upgrade',
  role: 'admin',
  tag: 'life',
  summary: 'Let a new process of the program that is on disk now go on with the tunnels',
  description:
    'Refused with UPGRADE_REFUSED where tunnels would be lost, and with UPGRADE_FAILED when the new process does not take over: then this one goes on. See docs/upgrade.md.',
  body: { ...object({}, { allowDrop: flag }), type: ['object', 'null'], examples: [{}] },
  answer: object({ pid: whole, tunnels: whole, setups: whole, stillMs: whole }),
  audit: 'gateway.upgrade',
  auditFields: ['allowDrop'],
};
