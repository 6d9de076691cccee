import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../core/bytes/hex.ts';
import { ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { TestGateway } from '../../testing/index.ts';
import { buildGateway, GATEWAY_FOLDER, Outside, ran } from '../support/outside.ts';

/** One fenced block of a page: what stands behind the fence, and what is in it. */
interface Block {
  readonly info: string;
  readonly text: string;
}

const blocksOf = (page: string, heading: string): readonly Block[] => {
  const [, rest = ''] = page.split(`\n## ${heading}\n`);
  const section = rest.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, info = '', text = '']) => ({ info, text }));
};

/** What npm has on the network a test has in folders: the same links come of it. */
const INSTALL = ['typescript', '@types/node'].map((name) => join(GATEWAY_FOLDER, 'node_modules', name)).join(' ');

let outside: Outside;
let blocks: readonly Block[];
beforeAll(async () => {
  await buildGateway();
  outside = await Outside.empty();
  blocks = blocksOf(await readFile('docs/plugins.md', 'utf8'), 'From an empty folder to a client that dials in');
  // The gateway's own command, without its set-up, which has been done.
  await mkdir(outside.path('bin'));
  const main = join(GATEWAY_FOLDER, 'dist', 'gateway', 'main.js');
  await writeFile(outside.path('bin', 'npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`);
  await chmod(outside.path('bin', 'npx'), 0o755);
}, 120_000);
afterAll(() => outside.remove());

const here = (text: string): string =>
  text.replaceAll('/path/to/gateway', GATEWAY_FOLDER).replaceAll('/path/to', outside.folder);

describe('the guide of docs/plugins.md', () => {
  it('works when each of its commands is typed in, from an empty folder on', { timeout: 180_000 }, async () => {
    const script = ['set -e'];
    for (const { info, text } of blocks) {
      const [language, what] = info.split(' ');
      if (language === 'sh' && what === undefined) {
        script.push(here(text).replace(/^npm install$/m, `npm install --offline --no-audit --no-fund ${INSTALL}`));
      } else if (language === 'ts' && what !== undefined) {
        const target = outside.path('acme-directory', what);
        const source = outside.path('blocks', what);
        await mkdir(dirname(source), { recursive: true });
        await writeFile(source, text);
        script.push(`cp ${source} ${target}`);
      }
    }
    expect(blocks.map(({ info }) => info)).toEqual([
      'sh',
      'sh',
      'ts src/index.ts',
      'ts test/plugin.test.ts',
      'sh',
      'sh',
      'sh root',
      'sh root',
    ]);
    const PATH = `${outside.path('bin')}:${process.env['PATH'] ?? ''}`;
    const installed = join(GATEWAY_FOLDER, 'node_modules', '.package-lock.json');
    const before = await stat(installed);
    const { code, text } = await ran('/bin/sh', ['-c', script.join('\n')], outside.folder, { PATH });
    expect([code, text]).toEqual([0, expect.stringContaining('the configuration is valid')]);
    // Being linked costs the gateway nothing of its own.
    expect((await stat(installed)).mtimeMs).toBe(before.mtimeMs);
    // The tests of the package as it was written, and as the guide makes it.
    expect(text.match(/^# fail 0$/gm)).toHaveLength(2);
    const checks = [...text.matchAll(/^# pass (\d+)$/gm)].map(([, passed]) => Number(passed));
    expect(Math.min(...checks)).toBeGreaterThan(10);
    expect(text).toMatch(/^acme-directory: .*package acme-directory 0\.1\.0/m);
    expect(text).toMatch(/brings +Authenticator/);
    expect(text).toContain('PPTP_ACME_DIRECTORY_TOKEN_FILE');
    expect(text).not.toContain('s3cret');
  });

  it('lets in who dials at its end', { timeout: 30_000 }, async () => {
    const directory = createServer((request, response) => {
      const known = request.url === '/users/dora' && request.headers.authorization === 'Bearer s3cret';
      if (!known) response.writeHead(404).end();
      else response.end(JSON.stringify({ ntHash: toHex(ntPasswordHash('explorer')) }));
    });
    await new Promise<void>((resolve) => directory.listen(0, '127.0.0.1', resolve));
    const { port } = directory.address() as AddressInfo;
    const settings = blocks.flatMap(({ text }) => [...here(text).matchAll(/^export (\w+)=(\S+)$/gm)]);
    const env = Object.fromEntries(
      settings.map(([, name = '', value = '']) => [name, value.replace(':8080', `:${port}`)]),
    );
    expect(Object.keys(env)).toEqual(['PPTP_PLUGINS', 'PPTP_ACME_DIRECTORY_URL', 'PPTP_ACME_DIRECTORY_TOKEN_FILE']);
    const dialled = blocks.map(({ text }) => /pptp-gateway dial \S+ --user (\w+)/.exec(text)?.[1]).find(Boolean);

    const gateway = await TestGateway.start({ env });
    const client = await gateway.connect({ ...(dialled && { user: dialled }), password: 'explorer' });
    expect(await client.ping()).toBe(true);
    await gateway.stop();
    directory.closeAllConnections();
    await new Promise((resolve) => directory.close(resolve));
  });
});
