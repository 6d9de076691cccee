import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { WebhookFault } from '../../../../plugins/backend-webhook/fault.ts';
import type { TlsMaterial } from '../../../../plugins/backend-webhook/http-post.ts';
import { Service, type ServiceOptions } from '../../../../plugins/backend-webhook/service.ts';
import { readTlsFiles } from '../../../../plugins/backend-webhook/tls-files.ts';
import { tlsVector } from '../../../support/eap-tls-files.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { type Answers, type Asked, SECRET, WebhookService } from '../../../support/webhook-service.ts';

const NOW = 1_700_000_000_000;
const open: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

const serve = async (
  answers: Answers,
  ...tls: Parameters<typeof WebhookService.start> extends [unknown, ...infer T] ? T : never
) => {
  const remote = await WebhookService.start(answers, ...tls);
  open.push(remote);
  return remote;
};

const clock = new ManualClock();
const client = (url: URL, changes: Partial<ServiceOptions> = {}, tls: TlsMaterial = {}): Service => {
  const options = {
    url,
    secret: SECRET,
    timeoutSeconds: 5,
    connections: 4,
    queue: 8,
    clockToleranceSeconds: 60,
    serverName: undefined,
  };
  const service = new Service({ clock, wallClock: { now: () => NOW } }, { ...options, ...changes });
  service.open(tls);
  open.push({ stop: () => service.close() });
  return service;
};

const faultOf = async (asking: Promise<unknown>): Promise<string> => {
  try {
    await asking;
    return 'none';
  } catch (cause) {
    return cause instanceof WebhookFault ? `${cause.code}: ${cause.message}` : `no fault: ${String(cause)}`;
  }
};

/** A question that has come and is not answered, and how to answer it. */
const held = async () => {
  const all: Asked[] = [];
  let wake = (): void => undefined;
  const remote = await serve((asked) => {
    all.push(asked);
    wake();
    return undefined;
  });
  const arrive = async (count: number): Promise<readonly Asked[]> => {
    while (all.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return all;
  };
  return { remote, arrive };
};

describe('a question', () => {
  it('arrives signed, and its answer is read', async () => {
    const remote = await serve(({ question }) => ({ echo: question }));
    expect(await client(remote.url).ask({ name: 'Zoë' })).toEqual({ echo: { name: 'Zoë' } });
  });

  it('uses the connections that there are again', async () => {
    const remote = await serve(() => ({}));
    const service = client(remote.url, { connections: 2 });
    await Promise.all(Array.from({ length: 10 }, (_, n) => service.ask({ n })));
    await service.ask({});
    expect([remote.questions.length, remote.connections]).toEqual([11, 2]);
  });

  it('waits for a free one, and not when too many wait', async () => {
    const { remote, arrive } = await held();
    const service = client(remote.url, { connections: 1, queue: 1 });
    const first = service.ask({ n: 1 });
    const second = service.ask({ n: 2 });
    expect(await faultOf(service.ask({ n: 3 }))).toBe('WEBHOOK_BUSY: too many questions wait for the service');
    for (const asked of await arrive(1)) WebhookService.reply(asked, { first: true });
    expect(await first).toEqual({ first: true });
    for (const asked of (await arrive(2)).slice(1)) WebhookService.reply(asked, { second: true });
    expect(await second).toEqual({ second: true });
  });

  it('is given up after its time, whether it waits or was sent', async () => {
    const { remote, arrive } = await held();
    const service = client(remote.url, { connections: 1 });
    const all = [service.ask({}), service.ask({})].map(faultOf);
    const [sent] = await arrive(1);
    if (sent === undefined) throw new Error('nothing arrived');
    const closed = once(sent.request.socket, 'close');
    clock.advance(4_999);
    clock.advance(1);
    const late = 'WEBHOOK_TIMEOUT: the service took more than 5 seconds';
    expect(await Promise.all(all)).toEqual([late, late]);
    await closed;
    expect(clock.scheduled).toBe(0);
  });

  it('is given up when nobody wants the answer', async () => {
    const { remote, arrive } = await held();
    const caller = new AbortController();
    const asking = faultOf(client(remote.url).ask({}, caller.signal));
    await arrive(1);
    caller.abort();
    expect(await asking).toContain('WEBHOOK_CANCELLED');
    expect(await faultOf(client(remote.url).ask({}, AbortSignal.abort()))).toContain('WEBHOOK_CANCELLED');
    expect(remote.questions).toHaveLength(1);
  });

  it('is asked once more where the connection was lost, with another nonce', async () => {
    const nonces = new Set<string>();
    const remote = await serve(({ nonce, request }) => {
      nonces.add(nonce);
      if (nonces.size > 1) return { again: true };
      request.socket.destroy();
      return undefined;
    });
    expect(await client(remote.url).ask({})).toEqual({ again: true });
    expect(nonces.size).toBe(2);
  });

  it('is asked once more over a new connection: what was kept may all be dead', async () => {
    const { remote, arrive } = await held();
    const service = client(remote.url);
    const first = Array.from({ length: 3 }, () => service.ask({}));
    const kept = new Set((await arrive(3)).map(({ request }) => request.socket));
    for (const asked of await arrive(3)) WebhookService.reply(asked, {});
    await Promise.all(first);
    // The other side, or something on the way, has forgotten these connections and says so when they are used.
    remote.answers = ({ request }) =>
      kept.has(request.socket) ? void request.socket.resetAndDestroy() : { new: true };
    expect(await service.ask({})).toEqual({ new: true });
  });

  it('is asked twice at most', async () => {
    const remote = await serve(({ request }) => void request.socket.destroy());
    expect(await faultOf(client(remote.url).ask({}))).toBe(
      'WEBHOOK_UNREACHABLE: the service cannot be reached: ECONNRESET',
    );
    expect(remote.questions).toHaveLength(2);
  });

  it('is not waited for where the other side changes the protocol instead of answering', async () => {
    const remote = await serve(({ request, response }) => {
      response.writeHead(101, { connection: 'upgrade', upgrade: 'websocket' }).end();
      request.socket.end();
      return undefined;
    });
    const service = client(remote.url, { connections: 1, queue: 1 });
    expect(await faultOf(service.ask({}))).toContain('WEBHOOK_UNREACHABLE');
    remote.answers = () => ({ now: true });
    expect(await service.ask({})).toEqual({ now: true });
  });

  it('is not asked by who was closed', async () => {
    const remote = await serve(() => ({}));
    const service = client(remote.url);
    service.close();
    service.open({});
    expect(await faultOf(service.ask({}))).toBe('WEBHOOK_CANCELLED: the gateway stops');
  });

  it('needs somebody who listens', async () => {
    const remote = await serve(() => ({}));
    const { url } = remote;
    await remote.stop();
    expect(await faultOf(client(url).ask({}))).toBe('WEBHOOK_UNREACHABLE: the service cannot be reached: ECONNREFUSED');
  });
});

describe('an answer is refused', () => {
  const refusal = async (answers: Answers): Promise<string> => faultOf(client((await serve(answers)).url).ask({}));

  it('with a wrong secret', async () => {
    const wrong = await refusal((asked) => WebhookService.reply(asked, {}, { secret: 'another' }) as undefined);
    expect(wrong).toContain('WEBHOOK_SIGNATURE: the answer was refused: its signature is wrong');
  });

  it('that was the answer to another question', async () => {
    let earlier = '';
    const remote = await serve((asked) => {
      if (earlier === '') {
        earlier = asked.nonce;
        return { first: true };
      }
      WebhookService.reply(asked, { first: true }, { nonce: earlier });
      return undefined;
    });
    const service = client(remote.url);
    expect(await service.ask({})).toEqual({ first: true });
    expect(await faultOf(service.ask({}))).toContain('WEBHOOK_SIGNATURE');
  });

  it('from another time', async () => {
    const old = String(NOW / 1000 - 61);
    expect(await refusal((asked) => WebhookService.reply(asked, {}, { timestamp: old }) as undefined)).toContain(
      'the clocks are 61 seconds apart',
    );
  });

  it.each([201, 204, 302, 401, 500])('with the status %i; no redirect is followed', async (status) => {
    const elsewhere = await serve(() => ({}));
    const fault = await refusal(
      ({ response }) => void response.writeHead(status, { location: elsewhere.url.href }).end(),
    );
    expect(fault).toBe(`WEBHOOK_STATUS: the service answered with the status ${status}`);
    expect(elsewhere.questions).toEqual([]);
  });

  it('that is too large', async () => {
    expect(await refusal(() => ({ text: 'x'.repeat(70_000) }))).toContain('WEBHOOK_TOO_LARGE');
  });

  it('that breaks off', async () => {
    const fault = await refusal(({ response }) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      response.socket?.end();
      return undefined;
    });
    expect(fault).toContain('WEBHOOK_UNREACHABLE');
  });
});

describe('TLS', () => {
  const pem = (name: string): Buffer => readFileSync(tlsVector(name));
  const server = { cert: pem('server.pem'), key: pem('server.key'), ca: pem('ca.pem') };
  const files = { caFile: tlsVector('ca.pem'), certFile: undefined, keyFile: undefined };
  const named = { serverName: 'gateway.example' };

  it('trusts the authority in the file, and no other', async () => {
    const { url } = await serve(() => ({ secure: true }), server);
    expect(await client(url, named, await readTlsFiles(files)).ask({})).toEqual({ secure: true });
    const usual = await readTlsFiles({ ...files, caFile: undefined });
    expect(await faultOf(client(url, named, usual).ask({}))).toContain('SELF_SIGNED_CERT_IN_CHAIN');
    const other = client(url, { serverName: 'other.example' }, await readTlsFiles(files));
    expect(await faultOf(other.ask({}))).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('shows a client certificate where there is one', async () => {
    const { url } = await serve(() => ({}), { ...server, requestCert: true, rejectUnauthorized: true });
    const ours = { ...files, certFile: tlsVector('alice.pem'), keyFile: tlsVector('alice.key') };
    expect(await client(url, named, await readTlsFiles(ours)).ask({})).toEqual({});
    expect(await faultOf(client(url, named, await readTlsFiles(files)).ask({}))).toContain('WEBHOOK_UNREACHABLE');
  });

  it('wants files that are there and fit', async () => {
    await expect(readTlsFiles({ ...files, caFile: '/nowhere/ca.pem' })).rejects.toThrow('PPTP_WEBHOOK_CA_FILE');
    const wrong = { ...files, certFile: tlsVector('alice.pem'), keyFile: tlsVector('server.key') };
    await expect(readTlsFiles(wrong)).rejects.toThrow('the key is not that of the certificate');
  });
});
