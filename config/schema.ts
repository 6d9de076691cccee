import type { Schema } from 'convict';
import { controlKeys } from './control-keys.ts';
import { dialKeys } from './dial-keys.ts';
import { edgeKeys } from './edge-keys.ts';
import {
  absolutePath,
  asciiName,
  auto,
  either,
  integer,
  jsonObject,
  list,
  moduleName,
  oneOf,
  seconds,
} from './formats.ts';
import { type Key, key, listKeys } from './key.ts';
import { linkKeys } from './link-keys.ts';
import { networkKeys } from './network-keys.ts';
import { observabilityKeys } from './observability-keys.ts';
import { MOST_WORKERS, PROFILE_NAMES, type RawConfig } from './types.ts';
import { userKeys } from './user-keys.ts';

/**
 * Every key of the gateway: name, format, default, environment name and one line of documentation. docs/configuration.md
 * is generated from here (`node setup/docs.mjs`).
 */
export const schema = {
  profile: key(oneOf(...PROFILE_NAMES), {
    env: 'PPTP_PROFILE',
    flag: '--profile',
    default: 'none',
    doc: 'Values for a kind of use in place of the defaults; whatever is set elsewhere beats them. See docs/profiles.md.',
  }),
  hostName: key(asciiName, {
    env: 'PPTP_HOST_NAME',
    reload: true,
    default: 'pptp-gateway',
    doc: 'Name the gateway gives itself in PPTP replies and in authentication challenges.',
  }),
  vendor: key(asciiName, {
    env: 'PPTP_VENDOR',
    reload: true,
    default: 'pptp-gateway',
    doc: 'Vendor string of the Start-Control-Connection-Reply.',
  }),
  stateDir: key(absolutePath, {
    env: 'PPTP_STATE_DIR',
    flag: '--state-dir',
    default: '/var/lib/pptp-gateway',
    doc: 'Folder for what must survive a restart: the user file and the record of what was set up on the host.',
  }),
  workers: key(either(integer(1, MOST_WORKERS), auto), {
    env: 'PPTP_WORKERS',
    default: 1,
    doc: 'Processes that carry tunnels: each tunnel is in one of them, so that all processors have work. 1 is the gateway in a single process, `auto` as many as there are processors. See docs/workers.md.',
  }),
  ...controlKeys,
  ...linkKeys,
  ...networkKeys,
  ...userKeys,
  log: {
    level: key(oneOf('debug', 'info', 'warn', 'error'), {
      env: 'PPTP_LOG_LEVEL',
      reload: true,
      flag: '--log-level',
      default: 'info',
      doc: 'Least important level that is written.',
    }),
    format: key(oneOf('auto', 'json', 'pretty'), {
      env: 'PPTP_LOG_FORMAT',
      flag: '--log-format',
      default: 'auto',
      doc: 'JSON lines or lines for people; `auto` is `pretty` on a terminal and `json` elsewhere.',
    }),
  },
  ...edgeKeys,
  ...dialKeys,
  ...observabilityKeys,
  plugins: key(list(moduleName, 'plug-ins'), {
    env: 'PPTP_PLUGINS',
    default: [],
    doc: 'Plug-ins to load besides the built-in ones: names of those that come with the gateway, package names, or paths.',
  }),
  pluginTimeout: key(seconds(1, 300), {
    env: 'PPTP_PLUGIN_TIMEOUT',
    default: 10,
    doc: 'How long a plug-in may take to answer one question; then the answer is that there is none.',
  }),
  pluginOptions: key(jsonObject, {
    env: 'PPTP_PLUGIN_OPTIONS',
    default: '{}',
    sensitive: true,
    doc: 'Settings of loaded plug-ins, by the name of the plug-in and of the setting. Each is also an environment name of its own: `sharedSecret` of `radius` is `PPTP_RADIUS_SHARED_SECRET` (or `PPTP_RADIUS_SHARED_SECRET_FILE`).',
  }),
} satisfies Schema<RawConfig>;

export const KEYS: readonly Key[] = listKeys(schema);
export const keyByPath: ReadonlyMap<string, Key> = new Map(KEYS.map((one) => [one.path, one]));
