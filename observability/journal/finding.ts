/** What may be said about a tunnel or a failure; docs/troubleshooting.md has a section for each (a test compares). */
export const CASES = [
  'gre-not-arriving',
  'gre-from-another-address',
  'gre-not-reaching-the-client',
  'clients-behind-one-nat',
  'unknown-user',
  'wrong-password',
  'password-expired',
  'account-locked',
  'user-store-unavailable',
  'weak-proof-refused',
  'authentication-not-finished',
  'no-common-authentication',
  'encryption-refused',
  'encryption-demanded',
  'pool-empty',
  'fixed-address-unusable',
  'address-disagreement',
  'not-admitted',
  'call-limit',
  'no-call',
  'loopback',
  'gateway-fault',
  'peer-hung-up',
  'negotiation-failed',
  'keys-differ',
  'echo-loss',
  'spoofed-source',
  'mtu-black-hole',
  'clear-data-refused',
  'window-stall',
  'lossy-path',
  'time-limit',
  'quota-used-up',
  'ended-by-the-gateway',
  'closed-by-the-client',
  'connection-lost',
  'in-progress',
  'healthy',
  'unknown',
] as const;
export type CaseName = (typeof CASES)[number];

/** One thing to say: what happened, where, and what to do. Plain sentences. */
export interface Finding {
  readonly case: CaseName;
  /** `failure`: why it is over. `warning`: something is wrong besides. `info`: nothing is. */
  readonly severity: 'failure' | 'warning' | 'info';
  readonly what: string;
  readonly where: string;
  readonly todo: readonly string[];
  /** The protocol's own code, or the stable word of the gateway. */
  readonly code?: string;
}
