import type { InnerNetwork } from '../../core/ports/profile.ts';
import { asNetwork, asText, Reading, readUsers, type Say } from '../policy-kit/reading.ts';
import { isTimeZone } from '../policy-kit/time-zone.ts';
import { parseWindow, Timetable } from './windows.ts';

/** What must hold for a log-in; a part that is absent says nothing. */
export interface AccessRule {
  /** The peer's outer address is in one of these. */
  readonly sources?: readonly InnerNetwork[];
  /** Names of authentication methods. */
  readonly methods?: readonly string[];
  readonly times?: Timetable;
}

export interface AccessRules {
  /** For users without an entry of their own; in the entries what is absent is taken from here. */
  readonly everyone: AccessRule;
  /** By folded name. */
  readonly users: ReadonlyMap<string, AccessRule>;
}

const KEYS = ['sources', 'methods', 'times'];
const NETWORK = 'an IPv4 network such as 192.0.2.0/24 with its host bits zero, or one address';
const WINDOW = 'days and times such as "Mon-Fri 07:00-19:00", "Sat,Sun 22:00-06:00" or "daily 00:00-24:00"';

/** Reads the document; see docs/policies.md for its form. */
export const readRules = (tree: unknown, say: Say): AccessRules => {
  const reading = new Reading(tree, '', ['timeZone', 'everyone', 'users'], say);
  const zone = reading.take('timeZone', asZone, 'a time zone such as Europe/Berlin') ?? 'UTC';
  const rule = (value: unknown, place: string): AccessRule => readRule(value, place, zone, say);
  const everyone = rule(reading.get('everyone'), 'everyone');
  const own = readUsers(reading.get('users'), say, rule);
  return { everyone, users: new Map([...own].map(([name, its]) => [name, { ...everyone, ...its }])) };
};

const asZone = (value: unknown): string | undefined =>
  typeof value === 'string' && isTimeZone(value) ? value : undefined;

const readRule = (value: unknown, place: string, zone: string, say: Say): AccessRule => {
  const reading = new Reading(value, place, KEYS, say);
  const sources = reading.list('sources', asNetwork, NETWORK, 256);
  const methods = reading.list('methods', asText, 'the name of an authentication method', 32);
  const times = reading.list('times', parseWindow, WINDOW, 64);
  return {
    ...(sources === undefined ? {} : { sources }),
    ...(methods === undefined ? {} : { methods }),
    ...(times === undefined ? {} : { times: new Timetable(times, zone) }),
  };
};
