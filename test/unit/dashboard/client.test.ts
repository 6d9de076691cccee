import { afterEach, describe, expect, it, vi } from 'vitest';
import { Away, createClient, isFinal, Refused } from '../../../dashboard/api/client.ts';

const SECOND_MS = 1000;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
  vi.stubGlobal('fetch', async () => new Response(body, { status, headers }));

describe('a client of the admin API', () => {
  it('waits as long as what it asks for may take', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    answer(200, '{}');
    const client = createClient('token', () => undefined);
    await client.ask('GET', '/v1/life');
    await client.ask('POST', '/v1/sessions/disconnect', {}, 70 * SECOND_MS);
    expect(timeout.mock.calls).toEqual([[15 * SECOND_MS], [70 * SECOND_MS]]);
  });

  it('tells a refusal, in the words of the gateway, from nobody who answers', async () => {
    const unknown: Refused[] = [];
    const client = createClient('token', (refused) => unknown.push(refused));
    answer(429, '{"code":"TOKEN_STREAMS","message":"Close some."}', { 'retry-after': '7' });
    const refused = { status: 429, code: 'TOKEN_STREAMS', message: 'Close some.', waitMs: 7 * SECOND_MS };
    await expect(client.ask('GET', '/v1/life')).rejects.toMatchObject(refused);
    answer(502, '<html>a proxy</html>');
    await expect(client.ask('GET', '/v1/life')).rejects.toMatchObject({ message: 'The gateway answered 502.' });
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')));
    await expect(client.ask('GET', '/v1/life')).rejects.toBeInstanceOf(Away);
    expect(unknown).toEqual([]);
    answer(401, '{"code":"UNAUTHORIZED","message":"Who?"}');
    await expect(client.ask('GET', '/v1/life')).rejects.toBeInstanceOf(Refused);
    expect(unknown).toMatchObject([{ code: 'UNAUTHORIZED' }]);
  });

  it.each([
    [400, true],
    [403, true],
    [404, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])('%i is final: %s', (status, final) => {
    expect(isFinal(new Refused(status, 'CODE', 'why'))).toBe(final);
  });
});
