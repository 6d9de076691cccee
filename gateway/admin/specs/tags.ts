/** What the tags of specs are called, in the order of the reference. */
export const TAGS: Readonly<Record<string, string>> = {
  health: 'Health',
  gateway: 'The gateway',
  sessions: 'Sessions',
  stats: 'Statistics',
  events: 'Events',
  life: 'Drain, reload and upgrade',
  users: 'Users',
  locks: 'Locks',
  audit: 'Audit',
  explain: 'Failures and explanations',
  captures: 'Captures',
  traces: 'Packet traces',
  log: 'Log level',
};
