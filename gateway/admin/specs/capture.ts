import { CAPTURE_POINTS } from '../../../observability/capture/points.ts';
import type { RouteSpec } from '../spec.ts';
import { decimal, flag, list, mapOf, missing, named, object, oneOf, text, whole } from './json.ts';

/** The longest that a capture may be asked to run. */
export const DAY_SECONDS = 86_400;
const MOST_PACKETS = 1_000_000_000;

const summary = object(
  {
    id: text,
    who: text,
    decrypted: flag,
    filter: object({ kind: oneOf(['all', 'tunnel', 'user']) }, { id: text, name: text }),
    seconds: decimal,
    points: list(object({ point: text, seen: whole, lost: whole, written: whole, drops: mapOf(whole) })),
  },
  { end: text, lostWorkers: list(whole) },
);

export const CAPTURES: RouteSpec = {
  method: 'GET',
  url: '/v1/captures',
  role: 'read',
  tag: 'captures',
  summary: 'Captures that run, and the last that have ended',
  answer: object({ captures: list(summary) }, missing),
};

export const CAPTURE: RouteSpec = {
  method: 'GET',
  url: '/v1/captures/:id',
  role: 'read',
  tag: 'captures',
  summary: 'How a capture goes, or went',
  params: named('id'),
  answer: summary,
};

export const START_CAPTURE: RouteSpec = {
  method: 'POST',
  url: '/v1/captures',
  role: 'operate',
  tag: 'captures',
  summary: 'Capture packets; the answer is a pcapng file that grows until the capture ends',
  description:
    'Close the connection to end it, or ask for its end by its number (header x-capture-id). With `decrypted` the role admin is needed, and PPTP_CAPTURE_DECRYPTED.',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      points: {
        type: 'array',
        items: { type: 'string', enum: CAPTURE_POINTS },
        minItems: 1,
        maxItems: CAPTURE_POINTS.length,
        uniqueItems: true,
      },
      decrypted: { type: 'boolean' },
      tunnel: { type: 'string', minLength: 1, maxLength: 64 },
      user: { type: 'string', minLength: 1, maxLength: 256 },
      packets: { type: 'integer', minimum: 1, maximum: MOST_PACKETS },
      seconds: { type: 'integer', minimum: 1, maximum: DAY_SECONDS },
    },
    examples: [{ user: 'alice', seconds: 60 }],
  },
  produces: 'application/x-pcapng',
  audit: 'capture.start',
  auditFields: ['decrypted', 'tunnel', 'user', 'packets', 'seconds'],
};

export const END_CAPTURE: RouteSpec = {
  method: 'DELETE',
  url: '/v1/captures/:id',
  role: 'operate',
  tag: 'captures',
  summary: 'End a capture',
  params: named('id'),
  answer: summary,
  audit: 'capture.end',
};
