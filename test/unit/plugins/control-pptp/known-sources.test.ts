import { expect, it } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { KnownSources } from '../../../../plugins/control-pptp/known-sources.ts';

it('remembers as many addresses as may be, those of the last log-ins', () => {
  const known = new KnownSources(2);
  const [a, b, c] = [ipv4(1), ipv4(2), ipv4(3)];
  expect(known.has(a)).toBe(false);
  for (const source of [a, b, a, c]) known.add(source);
  expect([a, b, c].map((source) => known.has(source))).toEqual([true, false, true]);
});
