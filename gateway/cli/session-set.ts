import type { Command } from 'commander';
import type { SessionChange, SessionDetail } from '../admin/api/sessions.ts';
import { EXIT } from './exit.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { addAllOption, askEach, chooseSessions, SESSION_ARGUMENT } from './session-choice.ts';
import { profileLine } from './session-profile.ts';
import { sessionPath } from './session-query.ts';
import { parseBitRate, parseOctets, parseSpan } from './units.ts';

const DEFAULT = 'default';
const MOST_DAYS = 365;
type Limit = number | typeof DEFAULT;

type SetFlags = {
  readonly rateUp?: Limit;
  readonly rateDown?: Limit;
  readonly idle?: Limit;
  readonly time?: Limit;
  readonly quota?: Limit;
  readonly filter?: string;
  readonly all?: true;
  readonly json?: true;
};

const orDefault =
  (parse: (text: string) => number) =>
  (text: string): Limit =>
    text === DEFAULT ? DEFAULT : parse(text);
/** Null puts a limit back to what the configuration says. */
const sent = <T>(value: T | typeof DEFAULT): T | null => (value === DEFAULT ? null : value);

const changeOf = ({ rateUp, rateDown, idle, time, quota, filter }: SetFlags): SessionChange => ({
  ...(rateUp === undefined ? {} : { rateUp: sent(rateUp) }),
  ...(rateDown === undefined ? {} : { rateDown: sent(rateDown) }),
  ...(idle === undefined ? {} : { idleSeconds: sent(idle) }),
  ...(time === undefined ? {} : { sessionSeconds: sent(time) }),
  ...(quota === undefined ? {} : { quotaOctets: sent(quota) }),
  ...(filter === undefined ? {} : { filter: sent(filter) }),
});

/** Adds `sessions set`. */
export const addSetVerb = (sessions: Command, { terminal, action }: AdminVerbs): void => {
  const set = addAllOption(
    sessions
      .command('set')
      .description(`Changes the limits of a session at once, without dropping it; "${DEFAULT}" puts one back.`)
      .argument('<session>', SESSION_ARGUMENT),
  )
    .option('--rate-up <rate>', 'from the client, in bits a second (10M)', orDefault(parseBitRate))
    .option('--rate-down <rate>', 'to the client, in bits a second (50M)', orDefault(parseBitRate))
    .option('--filter <name>', 'the filter for its packets')
    .option('--idle <time>', 'end it after so long without packets (30m; 0: never)', orDefault(parseSpan(MOST_DAYS)))
    .option('--time <time>', 'end it when it is so old (8h; 0: never)', orDefault(parseSpan(MOST_DAYS)))
    .option('--quota <octets>', 'end it after so many octets (5G)', orDefault(parseOctets))
    .option('--json', 'one JSON document for programs; with --all a list');
  action(set, async (gateway, word = '') => {
    const flags = set.opts<SetFlags>();
    const change = changeOf(flags);
    if (Object.keys(change).length === 0) set.error('error: say what to set: --rate-up, --rate-down, --filter, ...');
    const { all = false, json } = flags;
    const found = await chooseSessions(gateway, terminal, word, { all });
    const changed: SessionDetail[] = [];
    const send = (id: string) => gateway.send<SessionDetail>('PATCH', sessionPath(id), change);
    for await (const detail of askEach(found, all, send)) {
      changed.push(detail);
      if (json !== true) terminal.out(profileLine(detail));
    }
    if (json === true) terminal.out(JSON.stringify(all ? changed : changed[0], null, 2));
    if (changed.length > 0) return EXIT.done;
    terminal.err('nothing was changed: what was found had ended by itself');
    return EXIT.failed;
  });
};
