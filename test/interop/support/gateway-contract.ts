import { REPOSITORY } from './topology.ts';

/** What the lab knows of the gateway from outside: how it is run, what it is told, what it says when it is ready. */
export const GATEWAY = {
  entry: `${REPOSITORY}dist/gateway/main.js`,
  arguments: ['run'],
  /** Name of the field of a JSON log line that tells what happened, and its value once calls are accepted. */
  eventField: 'event',
  readyEvent: 'gateway.ready',
} as const;

/** Settings of the gateway under test that differ from its defaults; the caller's own settings win over them. */
export function gatewayEnvironment(stateDirectory: string): Record<string, string> {
  return {
    PPTP_STATE_DIR: stateDirectory,
    PPTP_LISTEN: '0.0.0.0',
    PPTP_POOL: '10.78.0.0/24',
    // The namespace has no default route that would tell.
    PPTP_INTRANET_INTERFACE: 'lan',
    PPTP_LOG_LEVEL: 'debug',
    PPTP_LOG_FORMAT: 'json',
    PPTP_ADMIN_PORT: '0',
    PPTP_DRAIN_TIMEOUT: '0',
  };
}
