import type { GatewayEvent, LostEvents } from '../admin/api/events.ts';
import type { LifeView } from '../admin/api/life.ts';
import { followPlainly } from './follow-plainly.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { phaseText } from './status.ts';
import { safeText } from './text.ts';
import { durationText, octetsText, wholeNumber } from './units.ts';

type Known = GatewayEvent | { readonly event: 'lost'; readonly data: LostEvents };
type SessionEvent = Exclude<GatewayEvent, { readonly event: 'life' }>;

const NAMES: ReadonlySet<string> = new Set<Known['event']>([
  'session.up',
  'session.down',
  'session.failed',
  'life',
  'lost',
]);
const NAME_WIDTH = 'session.failed'.length;

const isKnown = (event: { readonly event: string; readonly data: unknown }): event is Known => NAMES.has(event.event);

const whatOf = (event: SessionEvent): string => {
  if (event.event === 'session.up') {
    const { address, encryption, seconds } = event.data;
    return `${address ?? 'no address'}, ${encryption}, after ${seconds.toFixed(1)} s`;
  }
  if (event.event === 'session.down') {
    const { reason, detail, seconds, octetsIn, octetsOut } = event.data;
    const why = detail === '' ? reason : `${reason}: ${detail}`;
    return `after ${durationText(seconds)}, in ${octetsText(octetsIn)}, out ${octetsText(octetsOut)}; ${why}`;
  }
  const { error, detail, seconds } = event.data;
  return `after ${seconds.toFixed(1)} s; ${detail === '' ? error : `${error}: ${detail}`}`;
};

const lineOf = (event: Known): string => {
  if (event.event === 'lost') return `${event.data.events} events did not come: this connection is too slow`;
  if (event.event === 'life') return `${event.data.since}  ${'life'.padEnd(NAME_WIDTH)}  ${lifeText(event.data)}`;
  const { at, id, user, peer } = event.data;
  return `${at}  ${event.event.padEnd(NAME_WIDTH)}  ${id}  ${user ?? '-'} from ${peer}: ${whatOf(event)}`;
};

const lifeText = (life: LifeView): string => phaseText(life).replace(` since ${life.since}`, '');

/** An event in a line; one that this version does not know, as it came. */
export const eventLine = (event: { readonly event: string; readonly data: unknown }): string =>
  safeText(isKnown(event) ? lineOf(event) : `${event.event}  ${JSON.stringify(event.data)}`);

/** Adds the verb `events`. */
export const addEventsVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('events')
    .description('Prints what happens, as it happens: sessions that come, go and fail; Ctrl-C ends it.')
    .option('--count <number>', 'end after so many', wholeNumber(1, 1_000_000_000))
    .option('--json', 'a line of JSON each: {"event", "data"}');
  action(verb, async (gateway) => {
    const { count, json = false } = verb.opts<{ readonly count?: number; readonly json?: true }>();
    return followPlainly<unknown>({
      gateway,
      terminal,
      path: '/v1/events',
      ...(count === undefined ? {} : { count }),
      lines: (event, data) => [json ? JSON.stringify({ event, data }) : eventLine({ event, data })],
    });
  });
};
