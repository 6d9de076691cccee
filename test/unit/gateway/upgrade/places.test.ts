import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkPlaces, type Places } from '../../../../gateway/upgrade/places.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const address = '127.0.0.1';
const NONE: Places = {
  admin: { address, port: 0, tlsCert: 'none', tlsKey: 'none' },
  metrics: { address, port: 0 },
};
const log = new MemoryLog();
let other: Server;
let port = 0;

beforeEach(async () => {
  other = createServer();
  await new Promise<void>((resolve) => other.listen({ host: address, port: 0 }, resolve));
  const bound = other.address();
  port = typeof bound === 'object' && bound !== null ? bound.port : 0;
});
afterEach(() => void other.close());

const withPort = (part: 'admin' | 'metrics', to: number): Places => ({ ...NONE, [part]: { ...NONE[part], port: to } });

test('a new port that somebody else has is found out before anything is handed over', async () => {
  await expect(checkPlaces(NONE, withPort('admin', port), log)).rejects.toMatchObject({ code: 'ADMIN_LISTEN' });
  await expect(checkPlaces(NONE, withPort('metrics', port), log)).rejects.toMatchObject({ code: 'METRICS_ENDPOINT' });
});

test('what the process before has is left to it until it goes', async () => {
  await checkPlaces(withPort('admin', port), withPort('admin', port), log);
  await checkPlaces(withPort('metrics', port), withPort('metrics', port), log);
  // Changed over.
  await checkPlaces(withPort('metrics', port), withPort('admin', port), log);
});

test('nothing is looked at where nothing is wanted, and nothing stays open', async () => {
  await checkPlaces(NONE, NONE, log);
  await new Promise((resolve) => other.close(resolve));
  await checkPlaces(NONE, withPort('admin', port), log);
  await checkPlaces(NONE, withPort('metrics', port), log);
  other = createServer();
  await new Promise<void>((resolve) => other.listen({ host: address, port }, resolve));
});

test('a certificate that cannot be used is found out, too, though the port stays', async () => {
  const files = { tlsCert: '/nowhere/cert.pem', tlsKey: '/nowhere/key.pem' };
  const next: Places = { ...NONE, admin: { ...NONE.admin, ...files, port } };
  await expect(checkPlaces(withPort('admin', port), next, log)).rejects.toMatchObject({ code: 'ADMIN_LISTEN' });
});
