import { type Finding, reporter } from '../finding.ts';

export type RunningFacts =
  /** The admin socket is switched off. */
  | { readonly kind: 'off' }
  /** There is no socket: no gateway runs with this configuration. */
  | { readonly kind: 'none' }
  /** Why the one that is there does not answer. */
  | { readonly kind: 'silent'; readonly message: string }
  | { readonly kind: 'answers'; readonly tunnels: number };

const { ok, warn } = reporter('running');

/** Whether a gateway runs, and answers. */
export const checkRunning = (facts: RunningFacts): readonly Finding[] => {
  switch (facts.kind) {
    case 'off':
      return [ok('The admin socket is off (PPTP_ADMIN_SOCKET): a running gateway cannot be asked.')];
    case 'none':
      return [ok('No gateway runs with this configuration.')];
    case 'silent':
      return [warn('No gateway can be asked over the admin socket.', facts.message)];
    case 'answers':
      return [ok(`A gateway runs and answers; it has ${facts.tunnels} ${facts.tunnels === 1 ? 'tunnel' : 'tunnels'}.`)];
  }
};
