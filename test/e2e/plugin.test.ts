import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePlugin } from '../../gateway/cli/plugins-new.ts';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Outside } from '../support/outside.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '203.0.113.1';
const INNER = '10.99.0.1';

describe.skipIf(reason !== undefined)(`a package of \`plugins new\`${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let outside: Outside;
  let gateway: Program;

  beforeAll(async () => {
    server = new Netns('ks');
    client = new Netns('kc');
    connect(
      { ns: client, device: 'up0', addresses: ['203.0.113.2/24'] },
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
    );
    server.ip('route', 'add', 'default', 'via', '203.0.113.2');
    outside = await Outside.make();
    const dir = outside.path('acme-directory');
    await writePlugin({ name: 'acme-directory', kind: 'authenticator', dir, version: '0.1.0' });
    expect(await outside.sh('tsc -p .', dir)).toEqual({ code: 0, text: '' });
    await writeFile(outside.path('users'), 'dora:explorer\n', { mode: 0o600 });
    gateway = new Program(server, [process.execPath, MAIN, 'run'], {
      PPTP_STATE_DIR: outside.path('server'),
      PPTP_LOG_FORMAT: 'json',
      PPTP_PLUGINS: dir,
      PPTP_ACME_DIRECTORY_USERS_FILE: outside.path('users'),
    });
    await gateway.says(/"gateway.ready"/);
  });
  afterAll(async () => {
    await gateway?.end('SIGKILL');
    for (const ns of [server, client]) ns?.destroy();
    await outside?.remove();
  });

  const dial = (password: string): Program =>
    new Program(
      client,
      [process.execPath, MAIN, 'dial', SERVER, '--user', 'dora'],
      { PPTP_STATE_DIR: outside.path('client') },
      `${password}\n`,
    );

  it('lets a client in over the network whom only the plug-in knows, and nobody who says so', async () => {
    const liar = dial('wrong');
    await liar.says(/DIAL_AUTH/);
    await liar.end('SIGTERM');
    const dora = dial('explorer');
    expect(await dora.says(/^connected/)).toMatch(/address 10\.99\.0\.\d+, .*MPPE 128-bit stateless$/);
    expect(client.run('ping', '-c', '2', '-i', '0.2', '-W', '20', INNER)).toContain(' 0% packet loss');
    expect(await gateway.says(/"session.up"/)).toContain('"dora"');
    await dora.end('SIGTERM');
  });
});
