import type { RouteSpec } from '../spec.ts';
import { decimal, flag, list, missing, named, object, text, whole } from './json.ts';

const DAY_SECONDS = 86_400;
const MOST_PACKETS = 1_000_000;

const rule = {
  always: { id: text, traced: whole, suppressed: whole },
  sometimes: { tunnel: text, user: text, ratio: decimal, packets: whole, drops: flag, secondsLeft: whole },
};
const state = object({ rules: list(object(rule.always, rule.sometimes)), traced: whole, suppressed: whole }, missing);

export const TRACE_RULES: RouteSpec = {
  method: 'GET',
  url: '/v1/trace/rules',
  role: 'read',
  tag: 'traces',
  summary: 'Rules by which packets are traced, and how many were',
  answer: state,
};

export const ADD_TRACE_RULE: RouteSpec = {
  method: 'POST',
  url: '/v1/trace/rules',
  role: 'operate',
  tag: 'traces',
  summary: 'Trace packets for which all of it holds',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      tunnel: { type: 'string', minLength: 1, maxLength: 64 },
      user: { type: 'string', minLength: 1, maxLength: 256 },
      ratio: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      packets: { type: 'integer', minimum: 1, maximum: MOST_PACKETS },
      drops: { type: 'boolean' },
      seconds: { type: 'integer', minimum: 1, maximum: DAY_SECONDS },
    },
    examples: [{ user: 'alice', packets: 100 }],
  },
  status: 201,
  answer: object(rule.always, { ...rule.sometimes, ...missing }),
  audit: 'trace.add',
  auditFields: ['tunnel', 'user', 'ratio', 'packets', 'drops', 'seconds'],
};

export const REMOVE_TRACE_RULE: RouteSpec = {
  method: 'DELETE',
  url: '/v1/trace/rules/:id',
  role: 'operate',
  tag: 'traces',
  summary: 'End a rule',
  params: named('id'),
  answer: state,
  audit: 'trace.remove',
};
