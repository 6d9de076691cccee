import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { EXIT } from '../../../../gateway/cli/exit.ts';
import { quickSocket } from '../../../../gateway/cli/healthcheck.ts';
import { tlsVector } from '../../../support/eap-tls-files.ts';
import { type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';

let gateway: FakeGateway;
let servers: Server[];
beforeEach(async () => {
  gateway = await fakeGateway();
  servers = [];
  gateway.on('GET /v1/pools', ({ headers }) =>
    headers.authorization === 'Bearer s3cret'
      ? { json: { pools: [] } }
      : { status: 401, json: { code: 'UNAUTHORIZED', message: 'This takes a token.' } },
  );
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await gateway.stop();
});

const listen = async (server: Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const put = (name: string, text: string): string => {
  writeFileSync(join(gateway.folder, name), text);
  return join(gateway.folder, name);
};

describe('a gateway elsewhere', () => {
  it('is asked with the token of a file', async () => {
    const url = `http://127.0.0.1:${await listen(createServer(gateway.listener))}`;
    const file = put('token', 's3cret\n');
    expect(await runVerb(['pools', '--url', url, '--token-file', file], {})).toMatchObject({ code: 0, err: [] });
    const env = { PPTP_ADMIN_URL: url, PPTP_ADMIN_TOKEN: 's3cret' };
    expect((await runVerb(['pools'], env)).code).toBe(0);
    expect((await runVerb(['pools'], { PPTP_ADMIN_URL: `${url}/`, PPTP_ADMIN_TOKEN_FILE: file })).code).toBe(0);
  });

  it('may refuse: 4', async () => {
    const url = `http://127.0.0.1:${await listen(createServer(gateway.listener))}`;
    expect(await runVerb(['pools', '--url', url], {})).toMatchObject({
      code: EXIT.refused,
      err: [expect.stringMatching(/ADMIN_REFUSED: this gateway wants a token: .*--token-file/)],
    });
    expect(await runVerb(['pools', '--url', url], { PPTP_ADMIN_TOKEN: 'wrong' })).toMatchObject({
      code: EXIT.refused,
      err: ['pptp-gateway: ADMIN_REFUSED: This takes a token.'],
    });
  });

  it('is not asked where a flag names the one on this host', async () => {
    const env = { PPTP_ADMIN_URL: 'http://127.0.0.1:1', PPTP_ADMIN_TOKEN: 'x' };
    const argv = ['pools', '--admin-socket', gateway.socket];
    // It answers, and wants no less a token than before.
    expect((await runVerb(argv, { PPTP_ADMIN_URL: env.PPTP_ADMIN_URL })).code).toBe(EXIT.refused);
  });

  it('must have a certificate that is believed', async () => {
    const tls = { cert: readFileSync(tlsVector('server.pem')), key: readFileSync(tlsVector('server.key')) };
    const port = await listen(createSecureServer(tls, gateway.listener));
    const env = { PPTP_ADMIN_URL: `https://127.0.0.1:${port}`, PPTP_ADMIN_TOKEN: 's3cret' };
    const stranger = await runVerb(['pools'], env);
    expect([stranger.code, stranger.err[0]]).toEqual([3, expect.stringContaining('name its authority with --ca FILE')]);
    const other = await runVerb(['pools'], { ...env, PPTP_ADMIN_CA: tlsVector('ca.pem') });
    // The authority is right, but the name in the certificate is another than the address.
    expect([other.code, other.err[0]]).toEqual([
      3,
      expect.stringMatching(/is not believed .*: write --url with a name/),
    ]);
    const plain = await runVerb(['pools'], { ...env, PPTP_ADMIN_URL: `http://127.0.0.1:${port}` });
    expect([plain.code, plain.err[0]]).toEqual([3, expect.stringContaining('it may want TLS')]);
    expect(gateway.asked).toEqual([]);
  });

  it('is not there: 3', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    servers.pop();
    const { code, err } = await runVerb(['pools', '--url', `http://127.0.0.1:${port}`], {});
    expect([code, err[0]]).toEqual([3, expect.stringMatching(/ADMIN_UNREACHABLE: no gateway answers on http:\/\/127/)]);
  });

  it.each<[string, RequestListener]>([
    ['a web server', (_request, response) => void response.setHeader('content-type', 'text/html').end('<p>hello')],
    ['a log-in', (_request, response) => void response.writeHead(302, { location: '/login' }).end()],
    ['a proxy in trouble', (_request, response) => void response.writeHead(502, { 'content-type': 'text/html' }).end()],
    ['something else', (_request, response) => void response.end('hello')],
  ])('may be none but %s: 3', async (_name, listener) => {
    const url = `http://127.0.0.1:${await listen(createServer(listener))}`;
    const told = [3, expect.stringMatching(/^pptp-gateway: ADMIN_UNREACHABLE: what answers .* is no gateway/)];
    for (const verb of [['pools'], ['events']]) {
      const { code, err } = await runVerb([...verb, '--url', url], {});
      expect([code, err[0]]).toEqual(told);
    }
  });

  it('may break off, or speak no TLS: 3', async () => {
    const half = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{', () => response.destroy());
    });
    const port = await listen(half);
    const broken = await runVerb(['pools', '--url', `http://127.0.0.1:${port}`], {});
    expect([broken.code, broken.err[0]]).toEqual([3, expect.stringMatching(/did not answer \(aborted\)\.$/)]);
    const secure = await runVerb(['pools', '--url', `https://127.0.0.1:${port}`], {});
    expect([secure.code, secure.err[0]]).toEqual([3, expect.stringMatching(/\(no TLS\): it may speak plain HTTP/)]);
  });

  it('is what --token-file and --ca are for, and --ca is PEM', async () => {
    const file = put('file', 'x');
    for (const flag of ['--token-file', '--ca']) {
      const { code, err } = await runVerb(['pools', flag, file], { PPTP_ADMIN_SOCKET: gateway.socket });
      expect([code, err[0]]).toEqual([1, expect.stringContaining(`${flag} is for a gateway elsewhere`)]);
    }
    const { code, err } = await runVerb(['pools', '--url', 'https://127.0.0.1:1', '--ca', file], {});
    expect([code, err[0]]).toEqual([1, expect.stringContaining('no certificate in PEM')]);
  });

  it.each(['vpn1', 'ftp://x', 'http://user:pass@x', ''])('%j is no URL of one', async (url) => {
    expect(await runVerb(['pools', '--url', url], {})).toMatchObject({ code: 1 });
  });

  it('is sent no token in the clear without a word', async () => {
    // 192.0.2.0/24 is for documentation: what matters is said before anybody is asked.
    const { addConnectionOptions, remoteTarget } = await import('../../../../gateway/cli/connection.ts');
    const { Command } = await import('commander');
    const command = addConnectionOptions(new Command()).parse(['--url', 'http://192.0.2.1:8723'], { from: 'user' });
    const said: string[] = [];
    expect(await remoteTarget(command, { PPTP_ADMIN_TOKEN: 'x' }, (line) => said.push(line))).toMatchObject({
      token: 'x',
    });
    expect(said).toEqual(['warning: the token goes to 192.0.2.1:8723 unencrypted; use https']);
    await expect(remoteTarget(command, { PPTP_ADMIN_TOKEN: 'a b' }, () => undefined)).rejects.toThrow(/one word/);
  });

  it('leaves the names of the command line out of the configuration', async () => {
    const env = { PPTP_ADMIN_URL: 'http://127.0.0.1:1', PPTP_ADMIN_CA: '/ca.pem' };
    expect((await runVerb(['config', 'check'], env)).out.at(-1)).toBe('the configuration is valid');
  });
});

describe('healthcheck', () => {
  const check = (...flags: readonly string[]) =>
    runVerb(['healthcheck', ...flags], { PPTP_ADMIN_SOCKET: gateway.socket });

  it('is 0 or 1, in a line', async () => {
    gateway.on('GET /healthz', { json: 'alive' });
    gateway.on('GET /readyz', { status: 503, json: 'draining' });
    expect(await check()).toMatchObject({ code: 0, out: ['alive'] });
    expect(await check('--live')).toMatchObject({ code: 0 });
    expect(await check('--ready')).toMatchObject({
      code: 1,
      out: [expect.stringMatching(/^unhealthy: .*503.*draining/)],
    });
    gateway.on('GET /readyz', { json: 'ready' });
    expect(await check('--ready')).toMatchObject({ code: 0, out: ['ready'] });
    expect(await check('--admin-socket', `${gateway.folder}/none`)).toMatchObject({ code: 1 });
  });

  it('waits for no gateway that hangs', async () => {
    gateway.on('GET /healthz', { silent: true });
    expect(await check('--timeout', '0.05')).toMatchObject({ code: 1, out: [expect.stringMatching(/did not answer/)] });
    expect(await check('--timeout', 'x')).toMatchObject({ code: 2 });
  });

  it('reads the whole configuration where it has to', async () => {
    gateway.on('GET /healthz', { json: 'alive' });
    const file = put('gateway.yaml', `admin:\n  socket: ${gateway.socket}\n`);
    const env = { PPTP_ADMIN_URL: 'https://vpn1:8723', PPTP_ADMIN_CA: '/ca.pem' };
    for (const around of [{}, env]) {
      expect(await runVerb(['healthcheck', '--config', file], around)).toMatchObject({ code: 0 });
    }
    expect(await runVerb(['healthcheck'], { PPTP_ADMIN_SOCKET: 'off' })).toMatchObject({ code: 1 });
  });

  test.each([
    {},
    { PPTP_STATE_DIR: '/srv/vpn' },
    { PPTP_ADMIN_SOCKET: '/run/x.sock' },
    { PPTP_ADMIN_SOCKET: 'auto', PPTP_STATE_DIR: '/srv/vpn' },
    { PPTP_ADMIN_SOCKET: 'off' },
  ])('finds the socket of %j as the gateway does', (env) => {
    expect(quickSocket({}, env)).toBe(loadConfig({ env }).config.admin.socket);
  });

  test.each([{ PPTP_CONFIG: '/x' }, { PPTP_PROFILE: 'site' }, { PPTP_ADMIN_SOCKET: 'x' }, { PPTP_STATE_DIR: 'x' }])(
    'does not guess with %j',
    (env) => expect(quickSocket({}, env)).toBeUndefined(),
  );
});
