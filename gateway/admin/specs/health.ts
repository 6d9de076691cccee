import type { RouteSpec } from '../spec.ts';

const word = (url: string, summary: string, description: string): RouteSpec => ({
  method: 'GET',
  url,
  role: null,
  tag: 'health',
  summary,
  description,
  produces: 'text/plain',
});

export const HEALTHZ: RouteSpec = word('/healthz', 'Whether the process lives', 'Answers 200 and `alive`.');

export const READYZ: RouteSpec = word(
  '/readyz',
  'Whether calls are taken',
  'Answers 200 and `ready`; 503 and the phase (`starting`, `draining`, `stopping`) while no calls are taken.',
);

export const STARTUPZ: RouteSpec = word(
  '/startupz',
  'Whether the start is over',
  'Answers 200 and `started` from the moment on that calls are taken for the first time; 503 and `starting` before.',
);
