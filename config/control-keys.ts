import type { Schema } from 'convict';
import { auto, either, integer, ipv4Address, seconds, toggle } from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Keys of the control connection and its calls, and of what begins and ends with them. */
export const controlKeys = {
  listen: {
    address: key(ipv4Address, {
      env: 'PPTP_LISTEN',
      flag: '--listen',
      default: '0.0.0.0',
      doc: 'Address to accept control connections on; 0.0.0.0 is every address of the host.',
    }),
    port: key(integer(1, 65535), {
      env: 'PPTP_PORT',
      flag: '--port',
      default: 1723,
      doc: 'TCP port of the control connection. Most clients can only use 1723.',
    }),
    maxConnections: key(integer(1, 100_000), {
      env: 'PPTP_MAX_CONNECTIONS',
      reload: true,
      default: 2000,
      doc: 'Control connections open at once; more are closed on arrival.',
    }),
    maxConnectionsPerAddress: key(integer(1, 100_000), {
      env: 'PPTP_MAX_CONNECTIONS_PER_ADDRESS',
      reload: true,
      default: 64,
      doc: 'Control connections, and calls, from one peer address, which may be a NAT with many clients behind it.',
    }),
  },
  setups: {
    atOnce: key(integer(0, 10_000), {
      env: 'PPTP_SETUPS_AT_ONCE',
      reload: true,
      default: 512,
      doc: 'Set-ups of tunnels that one process runs at a time, at the most; fewer while the event loop is late. More clients wait for their turn. With 0 nobody waits, and a storm of calls may leave none of them a tunnel.',
    }),
    queue: key(integer(0, 100_000), {
      env: 'PPTP_SETUP_QUEUE',
      reload: true,
      default: 10_000,
      doc: 'Clients that may wait for their set-up to begin; more are refused with a Start-Control-Connection-Reply.',
    }),
    wait: key(seconds(1, 600), {
      env: 'PPTP_SETUP_WAIT',
      reload: true,
      default: 25,
      doc: 'How long a client waits for its set-up to begin before it is refused, at most nine tenths of PPTP_ESTABLISH_TIMEOUT. More than its own patience is of no use to it.',
    }),
  },
  calls: {
    max: key(either(integer(1, 65_535), auto), {
      env: 'PPTP_MAX_CALLS',
      default: 'auto',
      doc: 'Calls up at once; `auto` is as many as the pool has client addresses.',
    }),
    maxPerConnection: key(integer(1, 65_535), {
      env: 'PPTP_MAX_CALLS_PER_CONNECTION',
      reload: true,
      default: 16,
      doc: 'Calls on one control connection.',
    }),
    acceptIncoming: key(toggle, {
      env: 'PPTP_ACCEPT_INCOMING_CALLS',
      reload: true,
      default: false,
      doc: 'Take calls that a PAC in front of real lines announces (Incoming-Call-Request), with users, addresses and limits as for all others.',
    }),
    idQuarantine: key(seconds(0, 3600), {
      env: 'PPTP_CALL_ID_QUARANTINE',
      default: 60,
      doc: 'How long a Call ID stays unused after its call, so that late packets cannot reach a new one.',
    }),
  },
  drain: {
    timeout: key(seconds(0, 86_400), {
      env: 'PPTP_DRAIN_TIMEOUT',
      reload: true,
      default: 10,
      doc: 'How long tunnels that are up may go on when the gateway is told to stop, and takes no new calls; 0 ends them at once. See docs/life-cycle.md.',
    }),
  },
  control: {
    establishTimeout: key(seconds(1, 600), {
      env: 'PPTP_ESTABLISH_TIMEOUT',
      reload: true,
      default: 30,
      doc: 'Time for a new TCP connection to complete the control connection set-up.',
    }),
    echoInterval: key(seconds(1, 3600), {
      env: 'PPTP_CONTROL_ECHO_INTERVAL',
      reload: true,
      default: 60,
      doc: 'Silence on the control connection after which an Echo-Request is sent.',
    }),
    echoTimeout: key(seconds(1, 3600), {
      env: 'PPTP_CONTROL_ECHO_TIMEOUT',
      reload: true,
      default: 60,
      doc: 'Wait for the Echo-Reply before the control connection and its calls are cleared.',
    }),
    stopTimeout: key(seconds(1, 60), {
      env: 'PPTP_CONTROL_STOP_TIMEOUT',
      reload: true,
      default: 5,
      doc: 'Wait for the answer to our Stop-Control-Connection-Request before TCP is closed.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'listen' | 'setups' | 'calls' | 'drain' | 'control'>>;
