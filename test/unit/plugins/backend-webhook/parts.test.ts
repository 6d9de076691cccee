import { describe, expect, it } from 'vitest';
import { AnswerCache } from '../../../../plugins/backend-webhook/answer-cache.ts';
import { checkWebhookOptions, webhookSettings } from '../../../../plugins/backend-webhook/options.ts';
import { Turnstile } from '../../../../plugins/backend-webhook/turnstile.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { webhookOptions } from '../../../support/webhook-service.ts';

const never = new AbortController().signal;

describe('the turnstile', () => {
  it('lets so many in, makes so many wait in order, and turns the others away', async () => {
    const turnstile = new Turnstile(1, 2);
    const order: string[] = [];
    const leave = await turnstile.enter(never);
    const waiting = ['first', 'second'].map(async (name) => {
      const out = await turnstile.enter(never);
      order.push(name);
      out?.();
    });
    expect(await turnstile.enter(never)).toBeUndefined();
    leave?.();
    leave?.();
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second']);
    const [one, other] = [await turnstile.enter(never), turnstile.enter(never)];
    let second = false;
    void other.then(() => {
      second = true;
    });
    await Promise.resolve();
    expect(second).toBe(false);
    one?.();
    expect(await other).toBeTypeOf('function');
  });

  it('forgets who gave up', async () => {
    const turnstile = new Turnstile(1, 1);
    const leave = await turnstile.enter(never);
    const impatient = new AbortController();
    const given = turnstile.enter(impatient.signal);
    impatient.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    const next = turnstile.enter(never);
    leave?.();
    expect(await next).toBeTypeOf('function');
    await expect(turnstile.enter(AbortSignal.abort(new Error('never')))).rejects.toThrow('never');
  });
});

describe('the cache', () => {
  it('keeps a few, each for its time, and drops what was not asked for longest', () => {
    const clock = new ManualClock();
    const cache = new AnswerCache<number>(() => 2, clock);
    cache.set('a', 1, 100);
    cache.set('b', 2, 100);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3, 50);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
    clock.advance(50);
    expect([cache.get('a'), cache.get('c'), cache.size]).toEqual([1, undefined, 1]);
    clock.advance(50);
    expect(cache.get('a')).toBeUndefined();
    cache.set('d', 4, 0);
    expect(cache.size).toBe(0);
    cache.set('e', 5, 10);
    cache.clear();
    expect(cache.get('e')).toBeUndefined();
  });

  it('holds nothing longer, asked for or not, and no timer when it is empty', () => {
    const clock = new ManualClock();
    const cache = new AnswerCache<string>(() => 10, clock);
    cache.set('a', 'hash of a', 10_000);
    clock.advance(5_500);
    cache.set('b', 'hash of b', 10_000);
    clock.advance(5_000);
    expect(cache.size).toBe(1);
    clock.advance(6_000);
    expect([cache.size, clock.scheduled]).toEqual([0, 0]);
    cache.set('c', 'hash of c', 10_000);
    cache.clear();
    expect([cache.size, clock.scheduled]).toEqual([0, 0]);
  });
});

describe('the settings', () => {
  it('take an https URL, or one of this host', () => {
    expect(checkWebhookOptions(webhookOptions({}))).toEqual([]);
    for (const url of ['http://127.0.0.1:8080/', 'http://localhost/x', 'http://[::1]/']) {
      expect(checkWebhookOptions(webhookOptions({ url: new URL(url) }))).toEqual([]);
    }
    const elsewhere = { url: new URL('http://10.0.0.1/') };
    expect(checkWebhookOptions(webhookOptions(elsewhere))).toMatchObject([
      expect.stringContaining('url is http to another'),
    ]);
    expect(checkWebhookOptions(webhookOptions({ ...elsewhere, allowPlainHttp: true }))).toEqual([]);
    expect(checkWebhookOptions(webhookOptions({ url: new URL('http://127.0.0.1.example.com/') }))).toHaveLength(1);
  });

  it('send passwords of PAP only where nobody reads them, unless told to', () => {
    const pap = { url: new URL('http://127.0.0.1/'), proofs: ['pap'] } as const;
    expect(checkWebhookOptions(webhookOptions(pap))).toMatchObject([expect.stringContaining('PAP sends passwords')]);
    expect(checkWebhookOptions(webhookOptions({ ...pap, allowPlainPap: true }))).toEqual([]);
    expect(checkWebhookOptions(webhookOptions({ proofs: ['pap'] }))).toEqual([]);
  });

  it('want files of TLS for TLS, and the two that go together', () => {
    expect(checkWebhookOptions(webhookOptions({ certFile: '/c' }))).toEqual(['certFile and keyFile go together']);
    expect(checkWebhookOptions(webhookOptions({ url: new URL('http://localhost/'), caFile: '/c' }))).toHaveLength(1);
  });

  it.each(['ftp://a/', 'https://user:word@a/', 'https://a/#b', 'id.example.com', ''])('refuse the URL %s', (text) => {
    expect(webhookSettings.url.kind.parse(text)).toBeUndefined();
  });

  it('want a secret of some length, which is never shown', () => {
    expect(webhookSettings.secret.kind.parse('short')).toBeUndefined();
    expect(webhookSettings.secret.kind.parse('sixteen letters!')).toBe('sixteen letters!');
    expect(webhookSettings.secret.secret).toBe(true);
  });
});
