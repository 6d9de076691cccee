import { expect, test } from 'vitest';
import { keptThatDiffer } from '../../../../gateway/upgrade/kept-settings.ts';

const BEFORE = {
  workers: 1,
  listen: { address: '0.0.0.0', port: 1723, maxConnections: 10 },
  pool: { range: { network: 1, prefixLength: 24 } },
  gre: { driver: 'auto', ackDelayMs: 100 },
  log: { level: 'info' },
};

test('names what tunnels are made of, and leaves the rest to change', () => {
  expect(keptThatDiffer(BEFORE, structuredClone(BEFORE))).toEqual([]);
  const next = { ...BEFORE, log: { level: 'debug' }, listen: { ...BEFORE.listen, maxConnections: 99 } };
  expect(keptThatDiffer(BEFORE, next)).toEqual([]);
  const other = { ...next, pool: { range: { network: 1, prefixLength: 25 } }, gre: { ...BEFORE.gre, driver: 'batch' } };
  expect(keptThatDiffer(BEFORE, other)).toEqual(['pool', 'gre.driver']);
});

test('a configuration without what the other has differs in it', () => {
  expect(keptThatDiffer(BEFORE, {})).toEqual(['workers', 'listen.address', 'listen.port', 'pool', 'gre.driver']);
});
