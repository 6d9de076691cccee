import type { Command } from 'commander';
import type { SessionChange, SessionDetail } from '../admin/api/sessions.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { profileLine } from './session-profile.ts';
import { SESSIONS_PATH } from './session-query.ts';
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
  const set = sessions
    .command('set')
    .description(`Changes the limits of a session at once, without dropping it; "${DEFAULT}" puts one back.`)
    .argument('<session>', 'its id')
    .option('--rate-up <rate>', 'from the client, in bits a second (10M)', orDefault(parseBitRate))
    .option('--rate-down <rate>', 'to the client, in bits a second (50M)', orDefault(parseBitRate))
    .option('--filter <name>', 'the filter for its packets')
    .option('--idle <time>', 'end it after so long without packets (30m; 0: never)', orDefault(parseSpan(MOST_DAYS)))
    .option('--time <time>', 'end it when it is so old (8h; 0: never)', orDefault(parseSpan(MOST_DAYS)))
    .option('--quota <octets>', 'end it after so many octets (5G)', orDefault(parseOctets))
    .option('--json', 'one JSON document for programs');
  action(set, async (gateway, id = '') => {
    const flags = set.opts<SetFlags>();
    const change = changeOf(flags);
    if (Object.keys(change).length === 0) set.error('error: say what to set: --rate-up, --rate-down, --filter, ...');
    const detail = await gateway.send<SessionDetail>('PATCH', `${SESSIONS_PATH}/${encodeURIComponent(id)}`, change);
    terminal.out(flags.json === true ? JSON.stringify(detail, null, 2) : profileLine(detail));
  });
};
