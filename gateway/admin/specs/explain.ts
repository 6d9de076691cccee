import type { RouteSpec } from '../spec.ts';
import { decimal, list, mapOf, missing, moment, named, object, orNull, text, whole } from './json.ts';

const summary = {
  id: text,
  kind: text,
  outcome: text,
  peer: orNull(text),
  user: orNull(text),
  method: orNull(text),
  address: orNull(text),
  startedAt: moment,
  endedAt: orNull(moment),
  seconds: decimal,
  error: orNull(text),
  detail: orNull(text),
  traceId: text,
};

const phase = object({
  name: text,
  start: decimal,
  seconds: orNull(decimal),
  error: orNull(text),
  detail: orNull(text),
});

const numbers = object(
  {
    packetsIn: whole,
    packetsOut: whole,
    octetsIn: whole,
    octetsOut: whole,
    lost: whole,
    acknowledged: whole,
    drops: mapOf(whole),
  },
  { windowDropped: whole },
);

const record = object({
  ...summary,
  role: text,
  encryption: orNull(text),
  identification: orNull(text),
  phases: list(phase),
  numbers: orNull(numbers),
  timeline: list(object({ seconds: decimal, event: text, message: text })),
  leftOut: whole,
});

const finding = object({ case: text, severity: text, what: text, where: text, todo: list(text) }, { code: text });

export const FAILURES: RouteSpec = {
  method: 'GET',
  url: '/v1/failures',
  role: 'read',
  tag: 'explain',
  summary: 'Set-ups that failed, the latest first',
  answer: object({ failures: list(object(summary, { worker: whole })) }, missing),
};

export const EXPLAIN: RouteSpec = {
  method: 'GET',
  url: '/v1/explain/:which',
  role: 'read',
  tag: 'explain',
  summary: 'Why a tunnel failed, ended or is slow',
  description:
    '`which` is the id of a session, a user, an inner address, a trace id, or `last-failure`. The first finding is the main one.',
  params: named('which'),
  query: {
    type: 'object',
    additionalProperties: false,
    properties: { besides: { type: 'integer', minimum: 0, description: 'For a supervisor that asks its worker.' } },
  },
  answer: object({ findings: list(finding), record }, { worker: whole, ...missing }),
};
