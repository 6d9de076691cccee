import type { Schema } from 'convict';
import {
  absolutePath,
  accessToken,
  either,
  fileOrNone,
  integer,
  ipv4Address,
  ipv6Address,
  oneOf,
  secretText,
  share,
  toggle,
  traceLink,
} from './formats.ts';
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
    address: key(either(ipv4Address, ipv6Address), {
      env: 'PPTP_ADMIN_ADDRESS',
      default: '127.0.0.1',
      doc: 'Address on which the admin API and the dashboard are served, to who has a token (see docs/admin-api.md).',
    }),
    port: key(integer(0, 65535), {
      env: 'PPTP_ADMIN_PORT',
      default: 8723,
      doc: 'TCP port of the admin API and the dashboard; 0 is none.',
    }),
    token: key(accessToken, {
      env: 'PPTP_ADMIN_TOKEN',
      default: '',
      sensitive: true,
      reload: true,
      doc: 'Token of the role `admin`: may do everything. Without any token one is made, in `admin-token` in `stateDir`.',
    }),
    operateToken: key(accessToken, {
      env: 'PPTP_ADMIN_OPERATE_TOKEN',
      default: '',
      sensitive: true,
      reload: true,
      doc: 'Token of the role `operate`: may look and work with sessions, and not change users or the configuration.',
    }),
    readToken: key(accessToken, {
      env: 'PPTP_ADMIN_READ_TOKEN',
      default: '',
      sensitive: true,
      reload: true,
      doc: 'Token of the role `read`: may look.',
    }),
    tlsCert: key(fileOrNone, {
      env: 'PPTP_ADMIN_TLS_CERT',
      default: 'none',
      doc: 'Certificate of the admin API, intermediate ones behind it, as PEM; a changed file is read again. `none` is plain HTTP.',
    }),
    tlsKey: key(fileOrNone, {
      env: 'PPTP_ADMIN_TLS_KEY',
      default: 'none',
      doc: 'Private key of that certificate, without a passphrase.',
    }),
    traceLink: key(traceLink, {
      env: 'PPTP_TRACE_LINK',
      default: '',
      reload: true,
      doc: 'Where the trace of a session can be looked at, such as `http://127.0.0.1:16686/trace/{traceId}`: the dashboard links to it. Empty is no link.',
    }),
  },
  capture: {
    decrypted: key(toggle, {
      env: 'PPTP_CAPTURE_DECRYPTED',
      reload: true,
      default: false,
      doc: 'Let `capture --decrypted` show what tunnels encrypt, and authentication frames whole.',
    }),
  },
  packetTraces: {
    ratio: key(share, {
      env: 'PPTP_TRACE_PACKETS_RATIO',
      default: 0,
      doc: 'Share of the packets of every tunnel that is traced through the stages (see docs/packet-traces.md); 0 is none.',
    }),
    perSecond: key(integer(1, 1_000_000), {
      env: 'PPTP_TRACE_PACKETS_PER_SECOND',
      default: 100,
      doc: 'Most packets that are traced in one second, by this ratio and by `trace` together; each makes about ten spans.',
    }),
  },
  metrics: {
    address: key(either(ipv4Address, ipv6Address), {
      env: 'PPTP_METRICS_ADDRESS',
      default: '127.0.0.1',
      doc: 'Address on which Prometheus reads metrics. There is no log-in: let only it reach the address.',
    }),
    port: key(integer(0, 65535), {
      env: 'PPTP_METRICS_PORT',
      default: 0,
      doc: 'TCP port on which Prometheus reads metrics, at `/metrics` (see docs/metrics.md); 0 is none.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'telemetry' | 'admin' | 'capture' | 'packetTraces' | 'metrics'>>;
