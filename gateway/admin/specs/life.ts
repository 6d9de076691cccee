import { LIFE_PHASES } from '../api/life.ts';
import type { RouteSpec } from '../spec.ts';
import { flag, list, moment, object, oneOf, orNull, text, whole } from './json.ts';

const view = object({
  phase: oneOf(LIFE_PHASES),
  since: moment,
  sessions: whole,
  deadline: orNull(moment),
  thenStop: flag,
  by: orNull(text),
});

export const LIFE: RouteSpec = {
  method: 'GET',
  url: '/v1/life',
  role: 'read',
  tag: 'life',
  summary: 'Which phase of its life the gateway is in',
  answer: view,
};

export const DRAIN: RouteSpec = {
  method: 'POST',
  url: '/v1/drain',
  role: 'operate',
  tag: 'life',
  summary: 'Take no new calls, and end those that are left at a deadline',
  description: 'Asked again, the new deadline counts. With `stop` the process ends after it.',
  body: {
    ...object({}, { seconds: { type: 'integer', minimum: 0, maximum: 86_400 }, stop: flag }),
    type: ['object', 'null'],
    examples: [{ seconds: 300 }],
  },
  answer: view,
  audit: 'life.drain',
  auditFields: ['seconds', 'stop'],
};

export const RESUME: RouteSpec = {
  method: 'DELETE',
  url: '/v1/drain',
  role: 'operate',
  tag: 'life',
  summary: 'Take calls again',
  answer: view,
  audit: 'life.resume',
};

const changed = list(object({ key: text, env: text, from: text, to: text }));

export const RELOAD: RouteSpec = {
  method: 'POST',
  url: '/v1/reload',
  role: 'admin',
  tag: 'life',
  summary: 'Read the configuration again',
  description: 'A configuration with mistakes is refused with CONFIG_INVALID, and nothing changes.',
  answer: object({ changed, needRestart: changed, warnings: list(text) }),
  audit: 'config.reload',
};
