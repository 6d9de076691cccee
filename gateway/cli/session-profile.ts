import type { SessionDetail, SessionProfile } from '../admin/api/sessions.ts';
import { safeText } from './text.ts';
import { bitsText, durationText, octetsText } from './units.ts';

const limit = (value: number | null, text: (value: number) => string): string =>
  value === null ? 'no limit' : text(value);

/** The limits of a session, by name. */
export const profileFacts = (profile: SessionProfile): readonly (readonly [string, string])[] => [
  ['rate', `up ${limit(profile.rateUp, bitsText)}, down ${limit(profile.rateDown, bitsText)}`],
  ['filter', profile.filter ?? 'none'],
  ['idle', limit(profile.idleSeconds, durationText)],
  ['time', limit(profile.sessionSeconds, durationText)],
  ['quota', limit(profile.quotaOctets, octetsText)],
  ['routes', profile.routes.length === 0 ? 'none' : profile.routes.join(', ')],
];

/** "session 4f1c… of alice: rate up 10.0 Mbit/s, down no limit; filter none; …" */
export const profileLine = ({ id, user, profile }: SessionDetail): string => {
  const limits =
    profile === null
      ? 'no limits yet'
      : profileFacts(profile)
          .map((fact) => fact.join(' '))
          .join('; ');
  return `session ${id} of ${safeText(user ?? 'nobody yet')}: ${safeText(limits)}`;
};
