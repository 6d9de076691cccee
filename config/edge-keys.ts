import type { Schema } from 'convict';
import { accessNetwork, runAsText } from './access.ts';
import { auto, either, fileOrNone, integer, list, seconds } from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Names that a list in the environment may hold; more belong into a file. */
const MOST_NAMED = 1000;

/** Keys of what strangers may do, and what the gateway may. docs/edge-security.md is about them. */
export const edgeKeys = {
  edge: {
    maxUnauthenticated: key(either(integer(1, 100_000), auto), {
      env: 'PPTP_MAX_UNAUTHENTICATED',
      default: 'auto',
      reload: true,
      doc: 'Control connections, and calls, whose user has not proven itself; `auto` is `listen.maxConnections`. Where there is no room for another one, one of the address that has the most ends, or the one that has not gone on for longest.',
    }),
    maxUnauthenticatedPerAddress: key(either(integer(1, 100_000), auto), {
      env: 'PPTP_MAX_UNAUTHENTICATED_PER_ADDRESS',
      default: 'auto',
      reload: true,
      doc: 'Of these, from one peer address, which may be a NAT with many clients behind it; `auto` is `listen.maxConnectionsPerAddress`.',
    }),
    connectRatePerAddress: key(either(integer(1, 1_000_000), auto), {
      env: 'PPTP_CONNECT_RATE_PER_ADDRESS',
      default: 'auto',
      reload: true,
      doc: 'New control connections from one peer address in a minute; `auto` is `listen.maxConnectionsPerAddress` and 60 more.',
    }),
    setupTimeout: key(seconds(10, 3600), {
      env: 'PPTP_SETUP_TIMEOUT',
      default: 120,
      reload: true,
      doc: 'Time for a call to become a tunnel: LCP, authentication, encryption and addresses together, whatever the peer sends meanwhile.',
    }),
    idleTimeout: key(either(seconds(0, 86_400), auto), {
      env: 'PPTP_CONTROL_IDLE_TIMEOUT',
      default: 'auto',
      reload: true,
      doc: 'How long a control connection may be without a call whose user has proven itself; 0 is for ever. `auto` is 60, and 0 with `calls.acceptIncoming`, where a PAC waits for its lines.',
    }),
    allowFrom: key(list(accessNetwork, 'networks', MOST_NAMED), {
      env: 'PPTP_ALLOW_FROM',
      default: [],
      reload: true,
      doc: 'Addresses that may connect; empty is all. Of networks here and in PPTP_DENY_FROM the smallest that holds an address decides.',
    }),
    denyFrom: key(list(accessNetwork, 'networks', MOST_NAMED), {
      env: 'PPTP_DENY_FROM',
      default: [],
      reload: true,
      doc: 'Addresses that may not connect: closed on arrival, before anything is read.',
    }),
    accessFile: key(fileOrNone, {
      env: 'PPTP_ACCESS_FILE',
      default: 'none',
      reload: true,
      doc: 'File with more of both, a line each: `allow 192.0.2.0/24`, `deny 203.0.113.7`, `# remark`. Read again on reload.',
    }),
    runAs: key(runAsText, {
      env: 'PPTP_RUN_AS',
      default: 'none',
      doc: 'User, or user:group, to become once everything is set up, for a gateway that root starts; only the capabilities NET_ADMIN and NET_RAW are kept. `none` stays who it was started as.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'edge'>>;
