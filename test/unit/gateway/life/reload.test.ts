import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type LoadedConfig, loadConfig } from '../../../../config/load.ts';
import { ConfigError } from '../../../../config/problems.ts';
import { reloader } from '../../../../gateway/life/reload.ts';
import { loadConfigWithPlugins } from '../../../../gateway/plugins/configure.ts';
import { testLife } from '../../../support/life.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-reload-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const bench = (yaml: string, env: Readonly<Record<string, string>> = {}) => {
  files += 1;
  const file = join(folder, `${files}.yaml`);
  const write = (text: string): void => writeFileSync(file, text);
  write(yaml);
  const log = new MemoryLog();
  const before = loadConfig({ env, file });
  const enforced: LoadedConfig[] = [];
  const reload = reloader(log, async (sources) => loadConfig(sources));
  const again = (from = before) => reload(from, 'SIGHUP', async (loaded) => void enforced.push(loaded));
  return { file, write, log, before, enforced, again, reload };
};

describe('a configuration that is read again', () => {
  it('brings into force what can be, and names what needs a restart, with the old value kept', async () => {
    const { write, again, enforced, log } = bench('ppp:\n  echoInterval: 30\npool:\n  range: 10.99.0.0/24\n');
    write('ppp:\n  echoInterval: 10\npool:\n  range: 10.77.0.0/24\n');
    const { report } = await again();
    expect(report.changed).toEqual([{ key: 'ppp.echoInterval', env: 'PPTP_LCP_ECHO_INTERVAL', from: '30', to: '10' }]);
    expect(report.needRestart).toEqual([
      { key: 'pool.range', env: 'PPTP_POOL', from: '10.99.0.0/24', to: '10.77.0.0/24' },
    ]);
    expect(enforced[0]?.config.ppp.echoInterval).toBe(10);
    expect(enforced[0]?.config.pool.range.text).toBe('10.99.0.0/24');
    expect(log.lines.find(({ event }) => event === 'config.reloaded')).toMatchObject({
      fields: { by: 'SIGHUP', changed: ['ppp.echoInterval'], needRestart: ['pool.range'] },
    });
  });

  it('still tells of what needs a restart the next time', async () => {
    const { write, again, enforced } = bench('pool:\n  range: 10.99.0.0/24\n');
    write('pool:\n  range: 10.77.0.0/24\n');
    await again();
    const second = await again(enforced[0]);
    expect(second.report.needRestart.map(({ key }) => key)).toEqual(['pool.range']);
  });

  it('is refused with all that is wrong, and nothing is brought into force', async () => {
    const { write, again, enforced, log } = bench('ppp:\n  echoInterval: 30\n');
    write('ppp:\n  echoInterval: often\nlog:\n  level: loud\nnosuch: 1\n');
    const refusal = await again().catch((cause: unknown) => cause);
    expect(refusal).toBeInstanceOf(ConfigError);
    expect(refusal instanceof ConfigError ? refusal.problems.map(({ key }) => key) : []).toEqual(
      expect.arrayContaining(['ppp.echoInterval', 'log.level', 'nosuch']),
    );
    expect(enforced).toEqual([]);
    expect(log.lines.find(({ event }) => event === 'config.refused')?.message).toMatch(/ppp.echoInterval/);
  });

  it('sees a secret of a file, and shows none', async () => {
    const secret = join(folder, 'token');
    writeFileSync(secret, 'a-token-of-the-first-day-0123456789');
    const { again } = bench('', { PPTP_ADMIN_TOKEN_FILE: secret });
    writeFileSync(secret, 'a-token-of-the-second-day-012345678');
    const { report } = await again();
    expect(report.changed).toEqual([{ key: 'admin.token', env: 'PPTP_ADMIN_TOKEN', from: '[secret]', to: '[secret]' }]);
  });

  it('sees what stands in a file that a key names', async () => {
    const filters = join(folder, 'filters.json');
    writeFileSync(filters, '{"office": {"default": "deny"}}');
    const before = bench(`filters:\n  file: ${filters}\n`);
    writeFileSync(filters, '{"office": {"default": "allow"}}');
    const { report } = await before.again();
    expect(report.changed.map(({ key }) => key)).toEqual(['filters.file']);
  });

  it.each([
    [['ms-chap-v2', 'ms-chap-v1'], true],
    [['ms-chap-v2', 'eap'], false],
  ])('lets methods come and go while it runs, but EAP: %j', async (methods, live) => {
    const { write, again } = bench('auth:\n  methods: [ms-chap-v2]\n');
    write(`auth:\n  methods: [${methods.join(', ')}]\n`);
    const { report } = await again();
    expect([report.changed.length, report.needRestart.length]).toEqual(live ? [1, 0] : [0, 1]);
  });
});

describe('a plug-in that comes or goes', () => {
  const LOCKOUT = 'plugins: [policy-lockout]\npluginOptions:\n  policy-lockout:\n    failures: 3\n';

  it.each([
    ['comes', '', LOCKOUT],
    ['goes', LOCKOUT, ''],
  ])('%s with its settings at the next start, and other keys change now', async (_, from, to) => {
    const file = join(folder, 'plugins.yaml');
    writeFileSync(file, `${from}ppp:\n  echoInterval: 30\n`);
    const before = await loadConfigWithPlugins({ env: {}, file });
    const enforced: LoadedConfig[] = [];
    const again = (one: LoadedConfig) =>
      reloader(new MemoryLog())(one, 'SIGHUP', async (loaded) => void enforced.push(loaded));
    writeFileSync(file, `${to}ppp:\n  echoInterval: 10\n`);
    const { loaded, report } = await again(before);
    expect(report.changed.map(({ key }) => key)).toEqual(['ppp.echoInterval']);
    const waiting = ['plugins', 'pluginOptions.policy-lockout.failures'];
    expect(report.needRestart.map(({ key }) => key)).toEqual(expect.arrayContaining(waiting));
    const { config } = enforced[0] ?? before;
    expect([config.plugins, config.pluginOptions]).toEqual([before.config.plugins, before.config.pluginOptions]);
    const second = await again(loaded);
    expect([second.report.changed, second.report.needRestart]).toEqual([[], report.needRestart]);
  });
});

describe('settings of plug-ins', () => {
  const plugin = (name: string, register: string): string => {
    const path = join(folder, `${name}.mjs`);
    const kind = "{ expected: 'text', parse: (v) => (typeof v === 'string' ? v : undefined) }";
    writeFileSync(
      path,
      `export default { name: '${name}', api: 2,
        settings: {
          url: { kind: ${kind}, doc: 'Where.', default: 'http://one', live: true },
          key: { kind: ${kind}, doc: 'What opens it.', default: 'first', secret: true, live: true },
          port: { kind: ${kind}, doc: 'Bound once.', default: '1' },
        },
        check: ({ url, port }) => (url === 'http://two' && port === '1' ? ['two needs another port'] : []),
        register(${register}) {} };`,
    );
    return path;
  };
  const ACME = plugin('acme', 'bindings, options, live');
  let count = 0;
  const start = async (yaml: string, env: Readonly<Record<string, string>> = {}) => {
    count += 1;
    const file = join(folder, `settings${count}.yaml`);
    const write = (text: string): void => writeFileSync(file, `plugins: [${ACME}]\n${text}`);
    write(yaml);
    const before = await loadConfigWithPlugins({ env, file });
    const again = (one: LoadedConfig = before) => reloader(new MemoryLog())(one, 'SIGHUP', async () => undefined);
    return { write, before, again };
  };
  const acme = (options: string): string => `pluginOptions:\n  acme: ${options}\n`;

  it('come into force where they are live, and the others are named with the values that they keep', async () => {
    const { write, again } = await start(acme('{ url: http://a, key: hunter1, port: "2" }'));
    write(acme('{ url: http://b, key: hunter2, port: "3" }'));
    const { loaded, report } = await again();
    expect(report.changed).toEqual([
      { key: 'pluginOptions.acme.url', env: 'PPTP_ACME_URL', from: 'http://a', to: 'http://b' },
      { key: 'pluginOptions.acme.key', env: 'PPTP_ACME_KEY', from: '[secret]', to: '[secret]' },
    ]);
    expect(report.needRestart).toEqual([{ key: 'pluginOptions.acme.port', env: 'PPTP_ACME_PORT', from: '2', to: '3' }]);
    expect(loaded.config.pluginOptions).toEqual({ acme: { url: 'http://b', key: 'hunter2', port: '2' } });
    expect(loaded.pluginSettings.map(({ setting, shown, live }) => [setting, shown, live])).toEqual([
      ['url', 'http://b', true],
      ['key', '[secret]', true],
      ['port', '2', false],
    ]);
    const second = await again(loaded);
    expect([second.report.changed, second.report.needRestart]).toEqual([[], report.needRestart]);
  });

  it('are checked as they would be in force, with what needs a restart as it is', async () => {
    const { write, again } = await start(acme('{ url: http://one }'));
    write(acme('{ url: http://two, port: "2" }'));
    await expect(again()).rejects.toThrow(/two needs another port/);
  });

  it('have a secret of a file, which need not be there any more once it is read', async () => {
    const secret = join(folder, 'acme-key');
    writeFileSync(secret, 'hunter1');
    const { write, again } = await start('', { PPTP_ACME_KEY_FILE: secret });
    writeFileSync(secret, 'hunter2');
    write('pool:\n  range: 10.77.0.0/24\n');
    const { loaded, report } = await again();
    expect(report.changed.map(({ key }) => key)).toEqual(['pluginOptions.acme.key']);
    expect(report.needRestart.map(({ key }) => key)).toEqual(['pool.range']);
    expect(loaded.config.pluginOptions).toEqual({ acme: { key: 'hunter2' } });
  });

  it('change of a plug-in that stays, while another one comes', async () => {
    const { write, again } = await start(acme('{ url: http://a }'));
    write(acme('{ url: http://b }').replace('pluginOptions:', 'pluginOptions:\n  policy-lockout: { failures: 3 }'));
    await expect(again()).rejects.toThrow(/policy-lockout/);
    const both = await start(acme('{ url: http://a }'));
    const other = plugin('other', 'bindings, options, live');
    both.write('');
    const text = `plugins: [${ACME}, ${other}]\npluginOptions: { acme: { url: http://b }, other: { url: http://c } }\n`;
    writeFileSync(join(folder, `settings${count}.yaml`), text);
    const { loaded, report } = await both.again();
    expect(report.changed.map(({ key }) => key)).toEqual(['pluginOptions.acme.url']);
    expect(report.needRestart.map(({ key }) => key)).toEqual(['plugins', 'pluginOptions.other.url']);
    expect(loaded.config.pluginOptions).toEqual({ acme: { url: 'http://b' } });
  });
});

describe('the life of a gateway that reads its configuration', () => {
  const clock = new ManualClock();

  it('does so one after the other, once for all who ask meanwhile', async () => {
    const order: string[] = [];
    let finish: () => void = () => undefined;
    const life = testLife({
      clock,
      reload: async (before, by, enforce) => {
        order.push(`begin ${by}`);
        if (by === 'first') {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        }
        await enforce(before);
        order.push(`end ${by}`);
        return { loaded: before, report: { changed: [], needRestart: [], warnings: [] } };
      },
    });
    const both = [life.reload('first'), life.reload('second'), life.reload('third')];
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(['begin first']);
    finish();
    await Promise.all(both);
    expect(order).toEqual(['begin first', 'end first', 'begin second', 'end second']);
  });

  it('refuses while it starts and while it stops, with a sentence', async () => {
    const life = testLife({ clock, starting: true });
    await expect(life.reload('ann')).rejects.toMatchObject({ code: 'NOT_READY', message: /is starting/ });
    life.end();
    await expect(life.reload('ann')).rejects.toMatchObject({ code: 'NOT_READY', message: /is stopping/ });
  });

  it('keeps what it has when the gateway itself refuses', async () => {
    const life = testLife({
      clock,
      body: {
        sessions: () => 0,
        isEmpty: () => true,
        isWell: () => true,
        onFewer: () => undefined,
        refuseCalls: () => undefined,
        acceptCalls: () => undefined,
        endTunnels: () => Promise.resolve(),
        prepare: () => Promise.reject(new ConfigError([{ message: 'no' }])),
      },
    });
    const before = life.config();
    await expect(life.reload('ann')).rejects.toBeInstanceOf(ConfigError);
    expect(life.config()).toBe(before);
  });
});
