import { describe, expect, it } from 'vitest';
import { NegotiationAutomaton } from '../../../core/machine/negotiation-automaton.ts';
import {
  EVENTS,
  type NegotiationAction,
  type NegotiationEvent,
  type NegotiationState,
  STATES,
} from '../../../core/machine/negotiation-table.ts';
import { instant } from '../../../core/time.ts';

/** The two halves of the table as RFC 1661 section 4.1 prints them. */
const FIRST_HALF = `
 Up   |    2     irc,scr/6     -         -         -         -
 Down |    -         -         0       tls/1       0         1
 Open |  tls/1       1     irc,scr/6     3r        5r        5r
 Close|    0       tlf/0       2         2         4         4
 TO+  |    -         -         -         -       str/4     str/5
 TO-  |    -         -         -         -       tlf/2     tlf/3
 RCR+ |    -         -       sta/2 irc,scr,sca/8   4         5
 RCR- |    -         -       sta/2 irc,scr,scn/6   4         5
 RCA  |    -         -       sta/2     sta/3       4         5
 RCN  |    -         -       sta/2     sta/3       4         5
 RTR  |    -         -       sta/2     sta/3     sta/4     sta/5
 RTA  |    -         -         2         3       tlf/2     tlf/3
 RUC  |    -         -       scj/2     scj/3     scj/4     scj/5
 RXJ+ |    -         -         2         3         4         5
 RXJ- |    -         -       tlf/2     tlf/3     tlf/2     tlf/3
 RXR  |    -         -         2         3         4         5`;
const SECOND_HALF = `
 Up   |    -         -         -           -
 Down |    1         1         1         tld/1
 Open |    6         7         8           9r
 Close|irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4
 TO+  |  scr/6     scr/6     scr/8         -
 TO-  |  tlf/3p    tlf/3p    tlf/3p        -
 RCR+ |  sca/8   sca,tlu/9   sca/8   tld,scr,sca/8
 RCR- |  scn/6     scn/7     scn/6   tld,scr,scn/6
 RCA  |  irc/7     scr/6x  irc,tlu/9   tld,scr/6x
 RCN  |irc,scr/6   scr/6x  irc,scr/8   tld,scr/6x
 RTR  |  sta/6     sta/6     sta/6   tld,zrc,sta/5
 RTA  |    6         6         8       tld,scr/6
 RUC  |  scj/6     scj/7     scj/8       scj/9
 RXJ+ |    6         6         8           9
 RXJ- |  tlf/3     tlf/3     tlf/3   tld,irc,str/5
 RXR  |    6         7         8         ser/9`;

const cellsOf = (half: string): Map<string, string[]> =>
  new Map(
    half
      .trim()
      .split('\n')
      .map((line) => {
        const [event = '', cells = ''] = line.split('|');
        return [event.trim(), cells.trim().split(/\s+/)];
      }),
  );

interface Cell {
  readonly state: NegotiationState;
  readonly event: NegotiationEvent;
  readonly text: string;
}

const first = cellsOf(FIRST_HALF);
const second = cellsOf(SECOND_HALF);
const CELLS: readonly Cell[] = EVENTS.flatMap((event) =>
  STATES.map((state, column) => ({
    state,
    event,
    text: (column < 6 ? first.get(event)?.[column] : second.get(event)?.[column - 6]) ?? 'missing',
  })),
);

const RUNNING: readonly NegotiationState[] = ['Closing', 'Stopping', 'Req-Sent', 'Ack-Rcvd', 'Ack-Sent'];

describe('RFC 1661 section 4.1, every cell of the state transition table', () => {
  it('has 16 events in 10 states', () => {
    expect(CELLS).toHaveLength(160);
    expect(CELLS.filter(({ text }) => text === 'missing')).toEqual([]);
  });

  it.each(CELLS)('$event in $state: $text', ({ state, event, text }) => {
    const performed: NegotiationAction[] = [];
    let timer: 'untouched' | 'set' | 'cleared' = 'untouched';
    const automaton = new NegotiationAutomaton(
      { restartMs: 3000, maxConfigure: 10, maxTerminate: 2, maxFailure: 5 },
      {
        set: () => {
          timer = 'set';
        },
        clear: () => {
          timer = 'cleared';
        },
      },
      { perform: (action) => void performed.push(action) },
      state,
    );
    const legal = automaton.event(event, instant(0));
    if (text === '-') {
      expect({ legal, state: automaton.state, performed }).toEqual({ legal: false, state, performed: [] });
      return;
    }
    const match = /^(?:([a-z,]+)\/)?(\d)[rpx]?$/.exec(text);
    const next = STATES[Number(match?.[2])];
    const actions = match?.[1]?.split(',') ?? [];
    expect({ legal, state: automaton.state, performed }).toEqual({ legal: true, state: next, performed: actions });
    // "Only scr, str and zrc start the Restart timer"; it runs in the states that have TO events and in no other.
    const starts = actions.some((action) => ['scr', 'str', 'zrc'].includes(action));
    if (starts) expect(timer).toBe('set');
    else expect(timer).toBe(next !== undefined && RUNNING.includes(next) ? 'untouched' : 'cleared');
  });
});
