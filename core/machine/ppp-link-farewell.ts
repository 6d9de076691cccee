import type { LinkEnd } from './ppp-link-types.ts';

/** What the peer may know about the end, as the data of the Terminate-Request. */
export const FAREWELL: Readonly<Record<LinkEnd, string>> = {
  'authentication-failed': 'authentication failed',
  'negotiation-failed': 'negotiation failed',
  'encryption-required': 'encryption required',
  'no-address': 'no address',
  'peer-terminated': 'terminated',
  'echo-timeout': 'peer not responding',
  'no-answer': 'no answer',
  loopback: 'loopback detected',
  idle: 'idle timeout',
  'session-timeout': 'session timeout',
  quota: 'quota used up',
  administrative: 'closed by administrator',
  shutdown: 'shutting down',
};
