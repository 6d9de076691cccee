import { afterEach, describe, expect, it } from 'vitest';
import type { LiveOptions } from '../../../../core/ports/live-options.ts';
import { silentLog } from '../../../../core/ports/log.ts';
import type { Setting } from '../../../../core/ports/settings.ts';
import { LiveValue } from '../../../../gateway/life/live-value.ts';
import { Webhook, type WebhookOptions } from '../../../../plugins/backend-webhook/index.ts';
import { checkWebhookOptions, webhookSettings } from '../../../../plugins/backend-webhook/options.ts';
import { Turnstile } from '../../../../plugins/backend-webhook/turnstile.ts';
import { testFacts, testOrigin } from '../../../../testing/index.ts';
import { eventuallyTrue } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { type Asked, WebhookService, webhookOptions } from '../../../support/webhook-service.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});
const never = new AbortController().signal;

const serve = async (): Promise<WebhookService> => {
  const service = await WebhookService.start(() => ({ version: 1, result: 'secret', password: 'wonderland' }));
  open.push(() => service.stop());
  return service;
};

const start = async (live: LiveOptions<WebhookOptions>) => {
  const webhook = new Webhook(new ManualClock(), { now: () => 1_700_000_000_000 }, silentLog, live);
  await webhook.start();
  open.push(() => webhook.stop());
  /** "in", or why not. */
  const login = async (password = 'wonderland'): Promise<string> => {
    const request = { userName: 'alice', password: new TextEncoder().encode(password) };
    try {
      const answer = await webhook.authenticator.verify('pap', request, never, testOrigin());
      return answer.ok ? 'in' : answer.denial;
    } catch (cause) {
      return cause instanceof Error ? String(Reflect.get(cause, 'code')) : 'no error';
    }
  };
  return { webhook, login };
};

const optionsFor = ({ url }: WebhookService, changes: Partial<WebhookOptions> = {}): WebhookOptions =>
  webhookOptions({ url, proofs: ['pap'], allowPlainPap: true, ...changes });

/** What the service is asked from now on waits there. */
const hold = (service: WebhookService): Asked[] => {
  const held: Asked[] = [];
  service.answers = (asked) => {
    held.push(asked);
    return undefined;
  };
  return held;
};
const release = (held: readonly Asked[]): void => {
  for (const asked of held) WebhookService.reply(asked, { version: 1, result: 'secret', password: 'wonderland' });
};

describe('the service of a webhook that becomes another one', () => {
  it('is asked from then on, and the one before answers what it was asked', async () => {
    const [one, two] = [await serve(), await serve()];
    const live = new LiveValue(optionsFor(one));
    const { login } = await start(live);
    const held = hold(one);
    const early = login();
    await eventuallyTrue(() => held.length === 1);
    live.set(optionsFor(two));
    expect([await login(), one.questions.length, two.questions.length]).toEqual(['in', 1, 1]);
    const [asked] = held;
    if (asked === undefined) expect.fail('nobody asked');
    let isClosed = false;
    asked.request.socket.once('close', () => {
      isClosed = true;
    });
    release(held);
    expect(await early).toBe('in');
    // Nobody asks it any more.
    await eventuallyTrue(() => isClosed);
  });

  it('is asked anew about whom the one before knew', async () => {
    const [one, two] = [await serve(), await serve()];
    two.answers = () => ({ version: 1, result: 'unknown-user' });
    const live = new LiveValue(optionsFor(one));
    const { login } = await start(live);
    expect([await login(), await login(), one.questions.length]).toEqual(['in', 'in', 1]);
    live.set(optionsFor(two));
    expect(await login()).toBe('unknown-user');
  });

  it('is asked anew about whom the one before told of later', async () => {
    const [one, two] = [await serve(), await serve()];
    two.answers = () => ({ version: 1, result: 'unknown-user' });
    const live = new LiveValue(optionsFor(one));
    const { login } = await start(live);
    const held = hold(one);
    const early = login();
    await eventuallyTrue(() => held.length === 1);
    live.set(optionsFor(two));
    release(held);
    expect([await early, await login()]).toEqual(['in', 'unknown-user']);
  });

  it('leaves nothing open at the end of the gateway, whoever is asked yet', async () => {
    const [one, two] = [await serve(), await serve()];
    const live = new LiveValue(optionsFor(one));
    const { webhook, login } = await start(live);
    const held = hold(one);
    const early = login();
    await eventuallyTrue(() => held.length === 1);
    live.set(optionsFor(two));
    await webhook.stop();
    expect(await early).toMatch(/^WEBHOOK_/);
  });

  it('has another secret, which signs what is asked from then on', async () => {
    const service = await serve();
    const live = new LiveValue(optionsFor(service, { secret: 'another secret of them' }));
    const { login } = await start(live);
    expect(await login()).toBe('WEBHOOK_STATUS');
    live.set(optionsFor(service));
    expect(await login()).toBe('in');
  });
});

describe('the turnstile, resized', () => {
  it('lets in who waits, and as many less as it has places less', async () => {
    const turnstile = new Turnstile(1, 4);
    const outs: ((() => void) | undefined)[] = [await turnstile.enter(never)];
    for (let n = 0; n < 3; n += 1) void turnstile.enter(never).then((out) => outs.push(out));
    turnstile.resize(3, 0);
    await Promise.resolve();
    expect(outs).toHaveLength(3);
    turnstile.resize(1, 0);
    outs[0]?.();
    outs[1]?.();
    await Promise.resolve();
    expect(outs).toHaveLength(3);
    // Two of three places are gone, and this is the last one: who waits has it next.
    outs[2]?.();
    await Promise.resolve();
    expect(outs).toHaveLength(4);
    expect(await turnstile.enter(never)).toBeUndefined();
  });
});

describe('live settings of webhook', () => {
  const settings: Readonly<Record<string, Setting<unknown>>> = webhookSettings;
  const live = Object.entries(settings).flatMap(([name, setting]) => (setting.live === true ? [name] : []));

  it('are all looked at again when they are others', async () => {
    const service = await serve();
    const seen = new Set<string | symbol>();
    const options = optionsFor(service, { events: true, cacheSeconds: 5 });
    const listeners: ((now: WebhookOptions) => void)[] = [];
    const watched: LiveOptions<WebhookOptions> = {
      get current() {
        const get = (target: WebhookOptions, name: string | symbol): unknown => {
          seen.add(name);
          return Reflect.get(target, name);
        };
        return new Proxy({ ...options }, { get });
      },
      onChange: (listener) => void listeners.push(listener),
    };
    const { webhook, login } = await start(watched);
    seen.clear();
    for (const listener of listeners) listener(watched.current);
    expect(await login()).toBe('in');
    webhook.authenticator.reservedAddresses();
    webhook.events.up(testFacts());
    checkWebhookOptions(watched.current);
    expect(live.filter((name) => !seen.has(name))).toEqual([]);
  });

  it('are all but what is bound once, and the files, which are read at the start', () => {
    const fixed = Object.keys(settings).filter((name) => !live.includes(name));
    expect(fixed).toEqual(['traffic', 'events', 'caFile', 'certFile', 'keyFile']);
  });
});
