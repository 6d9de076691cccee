import { expect, test } from 'vitest';
import { tlsEngine } from '../../../support/eap-tls-files.ts';

const NOTHING = new Uint8Array(0);

test('a session that is over begins no handshake', async () => {
  const over = new AbortController();
  over.abort();
  expect(await tlsEngine('alice').open('client').exchange(NOTHING, over.signal)).toMatchObject({ state: 'failed' });
});

test('the end of the session ends its handshake', async () => {
  const server = new AbortController();
  const hello = await tlsEngine('alice').open('client').exchange(NOTHING, new AbortController().signal);
  const session = tlsEngine('server').open('server');
  expect(await session.exchange(hello.output, server.signal)).toMatchObject({ state: 'handshaking' });
  server.abort();
  expect(await session.exchange(Uint8Array.of(22, 3, 3, 0, 0), server.signal)).toMatchObject({ state: 'failed' });
});

test('a new handshake of the same link ends the one before', async () => {
  const { signal } = new AbortController();
  const engine = tlsEngine('alice');
  const first = engine.open('client');
  await first.exchange(NOTHING, signal);
  expect(await engine.open('client').exchange(NOTHING, signal)).toMatchObject({ state: 'handshaking' });
  expect(await first.exchange(Uint8Array.of(1), signal)).toMatchObject({ state: 'failed' });
});

test('octets that are no TLS have a reason', async () => {
  const { signal } = new AbortController();
  const progress = await tlsEngine('server').open('server').exchange(new Uint8Array(50).fill(0x41), signal);
  expect(progress).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^TLS: [a-z ]+$/) });
});

test('a version that is not allowed is answered with an alert, and both sides know why', async () => {
  const { signal } = new AbortController();
  const client = tlsEngine('alice', { maxVersion: 'TLSv1.2' }).open('client');
  const hello = await client.exchange(NOTHING, signal);
  const server = tlsEngine('server', { minVersion: 'TLSv1.3' }).open('server');
  const refusal = await server.exchange(hello.output, signal);
  expect(refusal).toMatchObject({ state: 'failed', reason: 'TLS: unsupported protocol' });
  expect(refusal.output[0]).toBe(21);
  expect(await client.exchange(refusal.output, signal)).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/^TLS: .*alert protocol version$/),
  });
});
