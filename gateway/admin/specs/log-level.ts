import { LOG_LEVELS } from '../../../observability/log-levels.ts';
import type { RouteSpec } from '../spec.ts';
import { missing, object, oneOf, whole } from './json.ts';

const DAY_SECONDS = 86_400;
const level = oneOf(LOG_LEVELS);
const answer = object({ level, configured: level }, { secondsLeft: whole, ...missing });

export const LOG_LEVEL: RouteSpec = {
  method: 'GET',
  url: '/v1/log/level',
  role: 'read',
  tag: 'log',
  summary: 'The log level in force',
  answer,
};

export const SET_LOG_LEVEL: RouteSpec = {
  method: 'PUT',
  url: '/v1/log/level',
  role: 'operate',
  tag: 'log',
  summary: 'Change the log level, for some time or for good',
  body: {
    type: 'object',
    required: ['level'],
    additionalProperties: false,
    properties: { level, seconds: { type: 'integer', minimum: 1, maximum: DAY_SECONDS } },
    examples: [{ level: 'debug', seconds: 600 }],
  },
  answer,
  audit: 'log.level',
  auditFields: ['level', 'seconds'],
};
