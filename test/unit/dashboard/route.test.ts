import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatRoute, parseRoute } from '../../../dashboard/model/route.ts';
import { traceLink } from '../../../dashboard/model/trace-link.ts';

it.each([
  ['', { view: 'overview' }],
  ['#/sessions', { view: 'sessions' }],
  ['#/sessions/a%2Fb', { view: 'session', id: 'a/b' }],
  ['#/reasons', { view: 'reasons', reason: undefined }],
  ['#/reasons/late', { view: 'reasons', reason: 'late' }],
  ['#/no-such-view', { view: 'overview' }],
  ['#/sessions/%zz', { view: 'session', id: '%zz' }],
])('"%s"', (hash, route) => {
  expect(parseRoute(hash)).toEqual(route);
});

it('leads back to every session, whatever its name', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((id) => !/\p{Surrogate}/u.test(id));
  fc.assert(
    fc.property(name, (id) => {
      expect(parseRoute(formatRoute({ view: 'session', id }))).toEqual({ view: 'session', id });
    }),
  );
});

const TRACE = '0123456789abcdef0123456789abcdef';

it('links to a trace where the operator has said how', () => {
  expect(traceLink('https://traces.example/{traceId}?x', TRACE)).toBe(`https://traces.example/${TRACE}?x`);
});

it.each([null, undefined, '', 'https://traces.example/', 'javascript:alert("{traceId}")'])(
  'no link: %s',
  (template) => {
    expect(traceLink(template, TRACE)).toBeUndefined();
  },
);

it('no link to what is no trace', () => {
  expect(traceLink('https://traces.example/{traceId}', '../../elsewhere')).toBeUndefined();
});
