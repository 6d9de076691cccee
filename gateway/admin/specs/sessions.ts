import { SESSION_STATES } from '../api/sessions.ts';
import { SORT_WORDS } from '../live/order.ts';
import { MOST_OFFSET, MOST_ROWS } from '../live/page.ts';
import type { JsonSchema, RouteSpec } from '../spec.ts';
import { decimal, list, mapOf, missing, moment, named, object, oneOf, orNull, text, whole } from './json.ts';

const name: JsonSchema = { type: 'string', minLength: 1, maxLength: 256 };
const ipv4: JsonSchema = { type: 'string', format: 'ipv4' };
const reason: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 200,
  description: 'For the log, accounting and the audit.',
};

const row = {
  id: text,
  state: oneOf(SESSION_STATES),
  peer: text,
  user: orNull(text),
  method: orNull(text),
  address: orNull(text),
  encryption: text,
  openedAt: moment,
  upAt: orNull(moment),
  seconds: whole,
  packetsIn: whole,
  packetsOut: whole,
  octetsIn: whole,
  octetsOut: whole,
  rateIn: whole,
  rateOut: whole,
  dropped: whole,
  traceId: text,
};
const worker = { worker: whole };

export const pageAnswer: JsonSchema = object(
  { total: whole, offset: whole, limit: whole, sessions: list(object(row, worker)) },
  missing,
);

/** `most`: rows of an answer. A supervisor asks a worker for all that may be on its page. */
export const sessionsQuery = (most: number): JsonSchema =>
  object(
    {},
    {
      state: oneOf(SESSION_STATES),
      user: { ...name, description: 'Without case.' },
      address: { ...ipv4, description: 'Inner address of the peer.' },
      peer: { ...ipv4, description: 'Outer address of the peer.' },
      search: {
        type: 'string',
        maxLength: 256,
        description: 'Part of id, user, inner or outer address; without case.',
      },
      worker: { type: 'integer', minimum: 0, maximum: 255 },
      sort: { type: 'string', enum: SORT_WORDS, description: 'A column, `-` in front for descending; openedAt.' },
      offset: { type: 'integer', minimum: 0, maximum: MOST_OFFSET },
      limit: { type: 'integer', minimum: 1, maximum: most, description: '100 if left out.' },
    },
  );

export const SESSIONS: RouteSpec = {
  method: 'GET',
  url: '/v1/sessions',
  role: 'read',
  tag: 'sessions',
  summary: 'Sessions: filtered, in order, page by page',
  description: 'All of what is given must agree. What is not known of a session yet comes last in both directions.',
  query: sessionsQuery(MOST_ROWS),
  answer: pageAnswer,
};

export const SESSIONS_STREAM: RouteSpec = {
  method: 'GET',
  url: '/v1/sessions/stream',
  role: 'read',
  tag: 'sessions',
  summary: 'The same list once a second, as server-sent events named `sessions`',
  query: sessionsQuery(MOST_ROWS),
  produces: 'text/event-stream',
};

const profile = object({
  rateUp: orNull(decimal),
  rateDown: orNull(decimal),
  filter: orNull(text),
  idleSeconds: orNull(whole),
  sessionSeconds: orNull(whole),
  quotaOctets: orNull(whole),
  routes: list(text),
});

const phase = object({
  name: text,
  start: decimal,
  seconds: orNull(decimal),
  error: orNull(text),
  detail: orNull(text),
});

const detail = object(
  {
    ...row,
    callId: whole,
    peerCallId: whole,
    local: text,
    ipv6: orNull(text),
    lost: whole,
    silentSeconds: orNull(whole),
    drops: mapOf(whole),
    attributes: mapOf(text),
    profile: { ...profile, type: ['object', 'null'] },
    phases: list(phase),
    timeline: list(object({ seconds: decimal, event: text, message: text })),
  },
  worker,
);

export const SESSION: RouteSpec = {
  method: 'GET',
  url: '/v1/sessions/:id',
  role: 'read',
  tag: 'sessions',
  summary: 'One session: its profile, the phases of its set-up and what happened',
  params: named('id'),
  answer: detail,
};

const rate: JsonSchema = { type: ['number', 'null'], minimum: 1, maximum: 1e12, description: 'Bits a second.' };
const seconds: JsonSchema = { type: ['integer', 'null'], minimum: 0, maximum: 31_536_000 };

export const CHANGE_SESSION: RouteSpec = {
  method: 'PATCH',
  url: '/v1/sessions/:id',
  role: 'operate',
  tag: 'sessions',
  summary: 'Change what holds for a session, without ending it',
  description:
    'In force when the answer comes, for this session only. What is left out stays; null puts back what the configuration says.',
  params: named('id'),
  body: {
    ...object(
      {},
      {
        rateUp: rate,
        rateDown: rate,
        filter: { type: ['string', 'null'], minLength: 1, maxLength: 256 },
        idleSeconds: seconds,
        sessionSeconds: seconds,
        quotaOctets: { type: ['integer', 'null'], minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      },
    ),
    minProperties: 1,
    examples: [{ rateDown: 5_000_000 }],
  },
  answer: detail,
  audit: 'session.change',
  auditFields: ['rateUp', 'rateDown', 'filter', 'idleSeconds', 'sessionSeconds', 'quotaOctets'],
};

const disconnected = object({ disconnected: list(text) }, missing);

export const DISCONNECT_SESSION: RouteSpec = {
  method: 'DELETE',
  url: '/v1/sessions/:id',
  role: 'operate',
  tag: 'sessions',
  summary: 'End a session',
  description:
    'With an LCP Terminate-Request where the link is open, and a Call-Disconnect-Notify; answers when it is over.',
  params: named('id'),
  query: object({}, { reason }),
  answer: disconnected,
  audit: 'session.disconnect',
  auditFields: ['reason'],
};

export const DISCONNECT: RouteSpec = {
  method: 'POST',
  url: '/v1/sessions/disconnect',
  role: 'operate',
  tag: 'sessions',
  summary: 'End all sessions that fit',
  description: 'One of id, user, address and peer at least; all of what is given must agree.',
  body: {
    ...object({}, { id: name, user: name, address: ipv4, peer: ipv4, reason }),
    anyOf: ['id', 'user', 'address', 'peer'].map((field) => ({ required: [field] })),
    examples: [{ user: 'alice', reason: 'laptop stolen' }],
  },
  answer: disconnected,
  audit: 'session.disconnect',
  auditFields: ['id', 'user', 'address', 'peer', 'reason'],
};
