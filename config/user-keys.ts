import type { Schema } from 'convict';
import { absolutePath, auto, either, fileOrNone, integer, oneOf, seconds } from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Keys of who users are, what is recorded of them, and what their traffic is held to. */
export const userKeys = {
  users: {
    source: key(oneOf('file', 'plugins'), {
      env: 'PPTP_USERS_FROM',
      default: 'file',
      doc: 'Who knows users: `file`: the back-ends of plug-ins, then the user file, which gets a first user where there is none; `plugins`: those back-ends alone.',
    }),
    file: key(either(absolutePath, auto), {
      env: 'PPTP_USERS_FILE',
      default: 'auto',
      doc: 'User file; `auto` is `users.json` in `stateDir`.',
    }),
  },
  accounting: {
    interim: key(either(integer(0, 0), seconds(60, 86_400)), {
      env: 'PPTP_ACCOUNTING_INTERIM',
      reload: true,
      default: 0,
      doc: 'Time between two interim accounting records of a session whose profile says nothing of it; 0 is none.',
    }),
  },
  traffic: {
    limits: key(oneOf('auto', 'on'), {
      env: 'PPTP_TRAFFIC_LIMITS',
      default: 'auto',
      doc: 'Whether sessions can be held to rates, quotas and filters, and their octets be counted: `auto` where a plug-in needs it, `on` always, so that an operator may set a rate. It costs something for each packet (docs/policies.md).',
    }),
  },
  filters: {
    file: key(fileOrNone, {
      env: 'PPTP_FILTERS_FILE',
      reload: true,
      default: 'none',
      doc: 'YAML or JSON file with the packet filters that profiles of users may name; see docs/policies.md.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'users' | 'accounting' | 'traffic' | 'filters'>>;
