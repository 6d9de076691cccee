import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { systemWallClock } from '../../gateway/system-clock.ts';
import { execPlugin } from '../../plugins/backend-exec/index.ts';
import { webhookPlugin } from '../../plugins/backend-webhook/index.ts';
import { TestGateway } from '../../testing/test-gateway.ts';
import { execOptions } from '../support/exec-options.ts';
import { type DialOptions, GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { SECRET, WebhookService, webhookOptions } from '../support/webhook-service.ts';

const open: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

const start = async (...plugins: readonly LoadedPlugin[]): Promise<GatewayLab> => {
  const lab = await GatewayLab.start({ plugins });
  open.push(() => lab.stop());
  return lab;
};

/** The back-end is asked in real time while the gateway's clock stands still; before and after that it runs. */
const dial = async (lab: GatewayLab, options: DialOptions, backEnd: string): Promise<LabPeer> => {
  const answers = (): number =>
    lab.telemetry.measures.filter(
      ({ name, attributes }) => name === 'pptp.auth.backend.duration' && attributes['backend'] === backEnd,
    ).length;
  const before = answers();
  const client = await lab.dial(options);
  await lab.clock.advance(500);
  while (answers() === before) await new Promise((resolve) => setImmediate(resolve));
  await lab.clock.advance(1_000);
  return client;
};

const lines = (lab: GatewayLab, event: string) =>
  lab.log.lines.filter((line) => line.event === event).map(({ fields }) => fields);

describe('the webhook in a gateway', () => {
  it('lets users in with what the service says of them, and tells it of their sessions', async () => {
    const service = await WebhookService.start(({ question }) => {
      if (question['type'] !== 'verify') return { version: 1, result: 'ok' };
      if (question['user'] !== 'dora') return { version: 1, result: 'unknown-user' };
      return { version: 1, result: 'secret', password: 'explorer', profile: { address: '10.99.0.77' } };
    });
    open.push(() => service.stop());
    const options = webhookOptions({ url: service.url, events: true });
    const lab = await start(withOptions(webhookPlugin, options));
    const dora = await dial(lab, { user: 'dora', password: 'explorer' }, 'webhook');
    expect(dora.peer.network?.address).toBe(parseIpv4('10.99.0.77'));
    // Alice is the lab's own: the question was passed on.
    const alice = await dial(lab, {}, 'webhook');
    expect(alice.peer.network).toBeDefined();
    const wrong = await dial(lab, { user: 'dora', password: 'guess' }, 'webhook');
    expect(wrong.peer.network).toBeUndefined();
    expect(lines(lab, 'auth.failed')).toMatchObject([{ user: 'dora', denial: 'bad-credentials' }]);
    const told = () => service.questions.filter(({ type }) => type !== 'verify');
    while (told().length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(told()).toMatchObject([
      { type: 'session-up', identity: 'dora', address: '10.99.0.77', method: 'ms-chap-v2' },
      { type: 'session-up', identity: 'alice' },
    ]);
    const everything = JSON.stringify([lab.log.lines, lab.telemetry.traces, lab.telemetry.events]);
    for (const secret of [SECRET, 'explorer', 'guess']) expect(everything).not.toContain(secret);
  });

  it('turns users away while the service is out of order', async () => {
    const service = await WebhookService.start(({ response }) => void response.writeHead(500).end());
    open.push(() => service.stop());
    const lab = await start(withOptions(webhookPlugin, webhookOptions({ url: service.url })));
    expect((await dial(lab, {}, 'webhook')).peer.network).toBeUndefined();
    expect(lines(lab, 'auth.backend-failed')).toMatchObject([{ code: 'WEBHOOK_STATUS' }]);
    expect(lines(lab, 'auth.failed')).toMatchObject([{ denial: 'unavailable' }]);
  });
});

describe('the program in a gateway', () => {
  it('lets users in', async () => {
    // The lab's alice has the same password as the program's; only this one can be let in by the program.
    const options = execOptions({ proofs: ['ms-chap-v2'] });
    const lab = await GatewayLab.start({ plugins: [withOptions(execPlugin, options)], users: {} });
    open.push(() => lab.stop());
    expect((await dial(lab, { user: 'alice', password: 'wonderland' }, 'exec')).peer.network).toBeDefined();
    expect((await dial(lab, { user: 'alice', password: 'guess' }, 'exec')).peer.network).toBeUndefined();
    expect((await dial(lab, { user: 'wrong-answer' }, 'exec')).peer.network).toBeUndefined();
    expect(lines(lab, 'auth.backend-failed')).toMatchObject([{ code: 'EXEC_ANSWER' }]);
  });
});

describe('what an operator sets', () => {
  const startWith = (env: Readonly<Record<string, string>>): Promise<string> =>
    TestGateway.start({ env }).then(
      async (gateway) => {
        await gateway.stop();
        return 'started';
      },
      (cause: Error) => cause.message,
    );
  const webhook = { PPTP_PLUGINS: 'webhook', PPTP_WEBHOOK_URL: 'https://127.0.0.1:1/', PPTP_WEBHOOK_SECRET: SECRET };
  const exec = { PPTP_PLUGINS: 'exec', PPTP_EXEC_COMMAND: process.execPath, PPTP_EXEC_ARGUMENTS: '--version' };

  it('is enough for a start', async () => {
    const proofs = 'ms-chap-v2,pap,certificate';
    expect(
      await startWith({ ...webhook, PPTP_WEBHOOK_PROOFS: proofs, PPTP_WEBHOOK_FIXED_ADDRESSES: '10.78.0.128/25' }),
    ).toBe('started');
    expect(await startWith({ ...exec, PPTP_EXEC_ENVIRONMENT: 'LANG=C,TZ=UTC', PPTP_EXEC_PROCESSES: '1' })).toBe(
      'started',
    );
    const both = { ...webhook, ...exec, PPTP_PLUGINS: 'webhook,exec' };
    expect(await startWith(both)).toBe('started');
  });

  it.each([
    [{ ...webhook, PPTP_WEBHOOK_URL: 'http://10.0.0.1/' }, 'url is http to another machine'],
    [{ ...webhook, PPTP_WEBHOOK_SECRET: 'short' }, 'text of 16 to 1024 characters'],
    [{ PPTP_PLUGINS: 'webhook', PPTP_WEBHOOK_URL: 'https://a/' }, 'PPTP_WEBHOOK_SECRET'],
    [{ ...webhook, PPTP_WEBHOOK_CA_FILE: '/nowhere/ca.pem' }, 'PPTP_WEBHOOK_CA_FILE'],
    [{ ...exec, PPTP_EXEC_COMMAND: 'node' }, 'an absolute path'],
    [{ ...exec, PPTP_EXEC_COMMAND: '/nowhere/ask' }, 'there is no program /nowhere/ask'],
    [{ ...exec, PPTP_EXEC_UID: '65534' }, 'uid and gid go together'],
  ])('%# that is wrong stops the start with a sentence, and shows no secret', async (env, sentence) => {
    const message = await startWith(env);
    expect(message).toContain(sentence);
    for (const secret of [SECRET, 'short']) expect(message).not.toContain(secret);
  });
});

/** The first block of JavaScript of a page. */
const program = async (page: string): Promise<string> => {
  const [, code] = /```js\n(.*?)```/s.exec(await readFile(page, 'utf8')) ?? [];
  if (code === undefined) throw new Error(`${page} has no program`);
  return code;
};

describe('the pages', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'back-ends-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const dora = { user: 'dora', password: 'clientPass' };

  it('docs/webhook.md: the service works as printed', async () => {
    const path = join(folder, 'service.mjs');
    await writeFile(path, await program('docs/webhook.md'));
    const port = await freePort();
    const service = spawn(process.execPath, [path], {
      env: { SECRET, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    open.push(() => ended(service));
    await once(service.stdout, 'data');
    const url = new URL(`http://127.0.0.1:${port}/`);
    const lab = await GatewayLab.start({
      plugins: [withOptions(webhookPlugin, webhookOptions({ url, events: true }))],
      // The service looks at the time of day.
      observe: (platform) => ({ ...platform, wallClock: systemWallClock }),
    });
    open.push(() => lab.stop());
    expect((await dial(lab, dora, 'webhook')).peer.network).toBeDefined();
    expect((await dial(lab, {}, 'webhook')).peer.network).toBeDefined();
    expect((await dial(lab, { ...dora, password: 'guess' }, 'webhook')).peer.network).toBeUndefined();
    const stranger = await fetch(url, { method: 'POST', body: '{}' });
    expect(stranger.status).toBe(401);
  });

  it.each([
    ['docs/webhook.md', async () => [await program('docs/webhook.md'), ''] as const],
    [
      'examples/webhook-authenticator',
      async () => [await readFile('examples/webhook-authenticator/service.mjs', 'utf8'), SECRET] as const,
    ],
  ])('%s: no stranger ends the service', async (_page, load) => {
    const [code, secret] = await load();
    const path = join(folder, 'strangers.mjs');
    await writeFile(path, code);
    const port = await freePort();
    const service = spawn(process.execPath, [path, String(port), secret], {
      env: { SECRET, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    open.push(() => ended(service));
    await once(service.stdout, 'data');
    const url = `http://127.0.0.1:${port}/`;
    const half = connect(port, '127.0.0.1');
    half.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{}', () => half.end());
    half.resume();
    await once(half, 'close');
    const wrong = `v1=${'\xe9'.repeat(64)}`;
    const headers = {
      'x-pptp-timestamp': String(Math.floor(Date.now() / 1000)),
      'x-pptp-nonce': 'a',
      'x-pptp-signature': wrong,
      'x-signature': wrong.slice(3),
    };
    for (let time = 0; time < 2; time += 1) {
      expect((await fetch(url, { method: 'POST', body: '{}', headers })).status).toBe(401);
    }
  });

  it('docs/exec.md: the program works as printed', async () => {
    const path = join(folder, 'ask.mjs');
    await writeFile(path, await program('docs/exec.md'));
    const options = execOptions({ proofs: ['ms-chap-v2'], arguments: [path] });
    const lab = await start(withOptions(execPlugin, options));
    expect((await dial(lab, dora, 'exec')).peer.network).toBeDefined();
    expect((await dial(lab, {}, 'exec')).peer.network).toBeDefined();
    expect((await dial(lab, { ...dora, password: 'guess' }, 'exec')).peer.network).toBeUndefined();
  });
});

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};
