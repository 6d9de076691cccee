import type { Schema } from 'convict';
import { absolutePath, either, oneOf, secretText } from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Keys of what the gateway says of itself. */
export const observabilityKeys = {
  telemetry: {
    userNames: key(oneOf('plain', 'hash', 'off'), {
      env: 'PPTP_TELEMETRY_USER_NAMES',
      default: 'plain',
      doc: 'How user names appear in traces and in the fields of log lines.',
    }),
    hashKey: key(secretText, {
      env: 'PPTP_TELEMETRY_HASH_KEY',
      default: '',
      sensitive: true,
      doc: 'Key of the user name hash; empty is a random one for every run, so that hashes of two runs cannot be compared.',
    }),
  },
  admin: {
    socket: key(either(absolutePath, oneOf('auto', 'off')), {
      env: 'PPTP_ADMIN_SOCKET',
      flag: '--admin-socket',
      default: 'auto',
      doc: 'Unix socket on which a running gateway answers `tunnels`, `explain`, `log-level` and the like; `auto` is `admin.sock` in `stateDir`, `off` is none.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'telemetry' | 'admin'>>;
