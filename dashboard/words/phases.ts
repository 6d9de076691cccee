const NAMES: ReadonlyMap<string, string> = new Map([
  ['control', 'Control'],
  ['lcp', 'LCP'],
  ['auth', 'Authentication'],
  ['address', 'Address'],
  ['ccp', 'CCP'],
  ['ipcp', 'IPCP'],
  ['ipv6cp', 'IPV6CP'],
  ['up', 'Up'],
]);

export const phaseName = (phase: string): string => NAMES.get(phase) ?? phase;

export const LIFE_TEXTS: Readonly<Record<string, string>> = {
  starting: 'starting: no calls yet',
  ready: 'takes calls',
  draining: 'draining: refuses new calls',
  stopping: 'stopping',
};
