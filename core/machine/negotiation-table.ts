/**
 * The option negotiation automaton of RFC 1661 section 4.1 as data. Rows and columns are in the RFC's order and the
 * cells in its notation, so that the table can be compared with the text line by line. Footnotes: the Restart option
 * (r) and the Passive option (p) are not used; crossed connections (x) need no special treatment here.
 */

export const STATES = [
  'Initial',
  'Starting',
  'Closed',
  'Stopped',
  'Closing',
  'Stopping',
  'Req-Sent',
  'Ack-Rcvd',
  'Ack-Sent',
  'Opened',
] as const;
export type NegotiationState = (typeof STATES)[number];

export const ACTIONS = [
  'tlu',
  'tld',
  'tls',
  'tlf',
  'irc',
  'zrc',
  'scr',
  'sca',
  'scn',
  'str',
  'sta',
  'scj',
  'ser',
] as const;
export type NegotiationAction = (typeof ACTIONS)[number];

export interface Transition {
  readonly actions: readonly NegotiationAction[];
  readonly next: NegotiationState;
}

// biome-ignore format: one row of the RFC is one line here
const ROWS = {
  //        0        1            2        3              4        5        6            7            8            9
  'Up':   ['2',     'irc,scr/6', '-',     '-',           '-',     '-',     '-',         '-',         '-',         '-'],
  'Down': ['-',     '-',         '0',     'tls/1',       '0',     '1',     '1',         '1',         '1',         'tld/1'],
  'Open': ['tls/1', '1',         'irc,scr/6', '3',       '5',     '5',     '6',         '7',         '8',         '9'],
  'Close':['0',     'tlf/0',     '2',     '2',           '4',     '4',     'irc,str/4', 'irc,str/4', 'irc,str/4', 'tld,irc,str/4'],

  'TO+':  ['-',     '-',         '-',     '-',           'str/4', 'str/5', 'scr/6',     'scr/6',     'scr/8',     '-'],
  'TO-':  ['-',     '-',         '-',     '-',           'tlf/2', 'tlf/3', 'tlf/3',     'tlf/3',     'tlf/3',     '-'],

  'RCR+': ['-',     '-',         'sta/2', 'irc,scr,sca/8', '4',   '5',     'sca/8',     'sca,tlu/9', 'sca/8',     'tld,scr,sca/8'],
  'RCR-': ['-',     '-',         'sta/2', 'irc,scr,scn/6', '4',   '5',     'scn/6',     'scn/7',     'scn/6',     'tld,scr,scn/6'],
  'RCA':  ['-',     '-',         'sta/2', 'sta/3',       '4',     '5',     'irc/7',     'scr/6',     'irc,tlu/9', 'tld,scr/6'],
  'RCN':  ['-',     '-',         'sta/2', 'sta/3',       '4',     '5',     'irc,scr/6', 'scr/6',     'irc,scr/8', 'tld,scr/6'],

  'RTR':  ['-',     '-',         'sta/2', 'sta/3',       'sta/4', 'sta/5', 'sta/6',     'sta/6',     'sta/6',     'tld,zrc,sta/5'],
  'RTA':  ['-',     '-',         '2',     '3',           'tlf/2', 'tlf/3', '6',         '6',         '8',         'tld,scr/6'],

  'RUC':  ['-',     '-',         'scj/2', 'scj/3',       'scj/4', 'scj/5', 'scj/6',     'scj/7',     'scj/8',     'scj/9'],
  'RXJ+': ['-',     '-',         '2',     '3',           '4',     '5',     '6',         '6',         '8',         '9'],
  'RXJ-': ['-',     '-',         'tlf/2', 'tlf/3',       'tlf/2', 'tlf/3', 'tlf/3',     'tlf/3',     'tlf/3',     'tld,irc,str/5'],

  'RXR':  ['-',     '-',         '2',     '3',           '4',     '5',     '6',         '7',         '8',         'ser/9'],
} as const;

export type NegotiationEvent = keyof typeof ROWS;
export const EVENTS: readonly NegotiationEvent[] = [
  'Up',
  'Down',
  'Open',
  'Close',
  'TO+',
  'TO-',
  'RCR+',
  'RCR-',
  'RCA',
  'RCN',
  'RTR',
  'RTA',
  'RUC',
  'RXJ+',
  'RXJ-',
  'RXR',
];

const parseCell = (cell: string): Transition | undefined => {
  if (cell === '-') return undefined;
  const [next, actions] = cell.split('/').reverse();
  const state = STATES[Number(next)];
  if (state === undefined) throw new RangeError(`transition table: no state ${cell}`);
  const names = actions === undefined ? [] : actions.split(',');
  return {
    next: state,
    actions: names.map((name) => {
      const action = ACTIONS.find((known) => known === name);
      if (action === undefined) throw new RangeError(`transition table: no action ${name}`);
      return action;
    }),
  };
};

const TABLE: ReadonlyMap<NegotiationEvent, ReadonlyMap<NegotiationState, Transition>> = new Map(
  EVENTS.map((event) => {
    const row = new Map<NegotiationState, Transition>();
    STATES.forEach((state, column) => {
      const transition = parseCell(ROWS[event][column] ?? '-');
      if (transition !== undefined) row.set(state, transition);
    });
    return [event, row];
  }),
);

/** Undefined where the RFC has a dash: the event cannot happen in that state. */
export const transition = (state: NegotiationState, event: NegotiationEvent): Transition | undefined =>
  TABLE.get(event)?.get(state);

/** States in which the Restart timer runs: those with TO events (RFC 1661 section 4.1). */
export const restartTimerRuns = (state: NegotiationState): boolean => transition(state, 'TO+') !== undefined;
