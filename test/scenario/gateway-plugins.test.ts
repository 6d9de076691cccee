import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { toHex } from '../../core/bytes/hex.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { perPacket } from '../../core/datapath/per-packet.ts';
import { STAGE_SLOT, type Stage } from '../../core/datapath/stage.ts';
import { GatewayError } from '../../core/errors.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { loadPlugins, withOptions } from '../../gateway/plugin-loader.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const INTRANET = address('10.0.0.80');
const text = (source: Ipv4, words: string): Uint8Array =>
  ipv4Packet({ source, destination: INTRANET, payload: asciiBytes(words) });

const stagePlugin = (...stages: readonly Stage[]) =>
  withOptions(
    definePlugin({
      name: 'test-stages',
      api: PLUGIN_API,
      register: ({ bind }) => {
        for (const stage of stages) bind(TOKENS.Stage).toConstantValue(stage);
      },
    }),
    undefined,
  );

const codeOf = async (attempt: () => unknown): Promise<string> => {
  try {
    await attempt();
    return 'no error';
  } catch (cause) {
    return cause instanceof GatewayError ? cause.code : String(cause);
  }
};

describe('the stages of the container', () => {
  it('stand in the order of their slots', () => {
    expect(new GatewayLab().gateway.stages.map(({ slot, name }) => `${slot} ${name}`)).toEqual([
      '100 gre',
      '150 acknowledgments',
      '200 call-demux',
      '300 sequence',
      '400 ppp',
      '450 control-frames',
      '500 mppe',
      '750 mss-clamp',
      '775 mtu',
      '780 peer-packets',
      '800 address',
      '850 intranet-packets',
    ]);
  });

  it('are joined by those of plug-ins, whatever the order of loading', () => {
    const stages = [
      { name: 'late', slot: 790 },
      { name: 'shrink', slot: STAGE_SLOT.compression },
      { name: 'early', slot: 410 },
    ];
    for (const order of [stages, stages.toReversed()]) {
      const lab = new GatewayLab({ plugins: [stagePlugin(...order)] });
      expect(lab.gateway.stages.map(({ name }) => name)).toEqual([
        'gre',
        'acknowledgments',
        'call-demux',
        'sequence',
        'ppp',
        'early',
        'control-frames',
        'mppe',
        'shrink',
        'mss-clamp',
        'mtu',
        'peer-packets',
        'late',
        'address',
        'intranet-packets',
      ]);
    }
  });

  it('may not share a built-in slot', async () => {
    const thief = stagePlugin({ name: 'thief', slot: STAGE_SLOT.mppe });
    expect(await codeOf(() => new GatewayLab({ plugins: [thief] }))).toBe('STAGE_CONFLICT');
    const twins = stagePlugin({ name: 'a', slot: STAGE_SLOT.ipsec }, { name: 'b', slot: STAGE_SLOT.ipsec });
    expect(await codeOf(() => new GatewayLab({ plugins: [twins] }))).toBe('STAGE_CONFLICT');
    const neighbours = stagePlugin({ name: 'a', slot: 710 }, { name: 'b', slot: 710 });
    expect(await codeOf(() => new GatewayLab({ plugins: [neighbours] }))).toBe('no error');
  });

  it('run both ways around each other: the one nearest to the TUN device sees plain packets first and last', async () => {
    const calls: string[] = [];
    const tell = (name: string, slot: number): Stage => ({
      name,
      slot,
      inbound: perPacket(() => void calls.push(`${name} in`)),
      outbound: perPacket(() => void calls.push(`${name} out`)),
    });
    const lab = await GatewayLab.start({ plugins: [stagePlugin(tell('inner', 790), tell('outer', 610))] });
    const client = await lab.connect();
    client.tun.hostSends(text(client.address, 'up'));
    await lab.clock.advance(10);
    lab.tun.hostSends(ipv4Packet({ source: INTRANET, destination: client.address }));
    await lab.clock.advance(10);
    expect(calls).toEqual(['outer in', 'inner in', 'inner out', 'outer out']);
  });

  it('cost one packet when one of them throws', async () => {
    const seen: Uint8Array[] = [];
    const thrower: Stage = {
      name: 'thrower',
      slot: 790,
      inbound: perPacket(({ bytes }) => {
        seen.push(bytes.slice());
        if (bytes.at(-1) === '!'.charCodeAt(0)) throw new Error('I do not like this one');
        return undefined;
      }),
    };
    const lab = await GatewayLab.start({ plugins: [stagePlugin(thrower)] });
    const client = await lab.connect();
    const good = ['one', 'two', 'three'].map((words) => text(client.address, words));
    const [first, second, third] = good;
    const sent = [first, text(client.address, 'bad!'), second, third].filter((packet) => packet !== undefined);
    for (const packet of sent) client.tun.hostSends(packet);
    await lab.clock.advance(10);
    expect([lab.tun.hostReceives(), lab.tun.hostReceives(), lab.tun.hostReceives()]).toEqual(good);
    expect(lab.tun.hostReceives()).toBeUndefined();
    // All four came in one batch, and the stage saw those behind the bad one too.
    expect(seen).toEqual(sent);
    expect([...lab.telemetry.drops]).toEqual([['thrower in stage-fault', 1]]);
    expect(lab.telemetry.faults).toMatchObject([{ stage: 'thrower', direction: 'in' }]);
    expect(lab.gateway.sessions()).toBe(1);
  });
});

describe('a plug-in file', () => {
  let folder: string;
  const file = async (name: string, source: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, source);
    return path;
  };

  /** A place outside of the project where `pptp-gateway/core` is what this project's sources export. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pptp-plugin-'));
    const installed = join(folder, 'node_modules', 'pptp-gateway');
    await mkdir(installed, { recursive: true });
    await writeFile(
      join(installed, 'package.json'),
      JSON.stringify({ name: 'pptp-gateway', type: 'module', exports: { './core': './core.js' } }),
    );
    await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        lib: { entry: 'core/index.ts', formats: ['es'], fileName: 'core' },
        outDir: installed,
        emptyOutDir: false,
        minify: false,
      },
    });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('from CONTRIBUTING.md works as printed: it lets everything pass but telnet', async () => {
    const page = await readFile('CONTRIBUTING.md', 'utf8');
    const example = /```ts\n([^`]*name: 'no-telnet'[^`]*)```/.exec(page)?.[1];
    if (example === undefined) throw new Error('CONTRIBUTING.md has no example of a stage');
    const { exports } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(exports['./core'].default).toBe('./dist/core/index.js');

    const plugins = await loadPlugins([await file('no-telnet.mjs', example)], {});
    expect(plugins.map(({ name }) => name)).toEqual(['no-telnet']);
    const lab = await GatewayLab.start({ plugins });
    expect(lab.gateway.stages.map(({ name }) => name)).toContain('no-telnet');

    const client = await lab.connect();
    const [telnet, web] = [23, 80].map((port) =>
      ipv4Packet({
        source: client.address,
        destination: INTRANET,
        protocol: 6,
        payload: Uint8Array.of(0xc0, 0, port >> 8, port & 0xff, ...new Uint8Array(16)),
      }),
    );
    if (telnet === undefined || web === undefined) throw new Error('no packets');
    client.tun.hostSends(telnet);
    client.tun.hostSends(web);
    await lab.clock.advance(10);
    expect(lab.tun.hostReceives()).toEqual(web);
    expect(lab.tun.hostReceives()).toBeUndefined();
    expect([...lab.telemetry.drops]).toEqual([['no-telnet in policy', 1]]);
  });

  it('from docs/plugins.md works as printed: it judges its own users and passes on the rest', async () => {
    const example = /```js\n([^`]*(?:`[^`\n]*`[^`]*)*)```/.exec(await readFile('docs/plugins.md', 'utf8'))?.[1];
    if (example === undefined) throw new Error('docs/plugins.md has no example of a back-end');
    const hashes: Record<string, string> = { dora: toHex(ntPasswordHash('explorer')) };
    vi.stubGlobal('fetch', async (url: string) => {
      const ntHash = hashes[url.replace('http://directory/', '')];
      return ntHash === undefined ? new Response(null, { status: 404 }) : Response.json({ ntHash });
    });
    const options = { directory: { url: 'http://directory' } };
    const plugins = await loadPlugins([await file('directory.mjs', example)], options);
    const lab = await GatewayLab.start({ plugins });
    expect((await lab.connect({ user: 'dora', password: 'explorer' })).peer.network).toBeDefined();
    expect((await lab.connect()).peer.network).toBeDefined();
    const liar = await lab.dial({ user: 'dora', password: 'alices' });
    await lab.clock.advance(10_000);
    expect(liar.peer.network).toBeUndefined();
    expect(lab.log.lines.filter(({ event }) => event === 'auth.failed')).toHaveLength(1);
    vi.unstubAllGlobals();
  });

  it('that cannot be used is refused with a reason', async () => {
    const cases = {
      'no-default.mjs': 'export const x = 1;',
      'not-a-plugin.mjs': 'export default { name: "x" };',
      'other-api.mjs': 'export default { name: "x", api: 99, register() {} };',
      'broken.mjs': 'export default {',
      'throws.mjs': 'throw new Error("no");',
    };
    for (const [name, source] of Object.entries(cases)) {
      const path = await file(name, source);
      expect([name, await codeOf(() => loadPlugins([path], {}))]).toEqual([name, 'PLUGIN_INVALID']);
    }
    expect(await codeOf(() => loadPlugins([join(folder, 'missing.mjs')], {}))).toBe('PLUGIN_INVALID');
    expect(await codeOf(() => loadPlugins(['no-such-package-of-pptp-gateway'], {}))).toBe('PLUGIN_INVALID');
  });

  it('takes its options from the block with its name, checked by itself', async () => {
    const source = `export default {
      name: 'choosy', api: 2,
      settings: { drink: { doc: '', kind: { expected: 'tea', parse: (v) => v === 'tea' ? v : undefined } } },
      register() {},
    };`;
    const path = await file('choosy.mjs', source);
    expect((await loadPlugins([path], { choosy: { drink: 'tea' } })).map(({ name }) => name)).toEqual(['choosy']);
    expect(await codeOf(() => loadPlugins([path], { choosy: { drink: 'coffee' } }))).toBe('PLUGIN_INVALID');
    expect(await codeOf(() => loadPlugins([path], { choosy: { drink: 'tea' }, nobody: 1 }))).toBe('PLUGIN_INVALID');
  });

  it('may come once, and not without those it needs', async () => {
    const needy = { ...stagePlugin(), name: 'needy', requires: ['absent'] };
    expect(await codeOf(() => new GatewayLab({ plugins: [needy] }))).toBe('PLUGIN_INVALID');
    expect(await codeOf(() => new GatewayLab({ plugins: [stagePlugin(), stagePlugin()] }))).toBe('PLUGIN_INVALID');
  });
});
