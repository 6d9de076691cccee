import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../config/load.ts';
import { KEYS } from '../../../config/schema.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly devices?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly read_only?: boolean;
  readonly secrets?: readonly string[];
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const FILE = 'deploy/compose/compose.yaml';
/** What the compose specification calls the parts of a service that are used here. */
const SERVICE_KEYS = [
  ...[
    'build',
    'cap_add',
    'cap_drop',
    'command',
    'depends_on',
    'devices',
    'environment',
    'healthcheck',
    'image',
    'init',
  ],
  ...['network_mode', 'read_only', 'restart', 'security_opt', 'stop_grace_period', 'tmpfs', 'volumes'],
];

/** `${NAME:-default}` without NAME. */
const text = (path: string): string =>
  readFileSync(path, 'utf8').replace(/\$\{\w+:-([^}]*)\}/g, (_, value: string) => value);
const yaml = (path: string): unknown => parse(text(path));
const compose = yaml(FILE) as Compose;
const { gateway = {}, jaeger = {}, prometheus = {}, grafana = {} } = compose.services;
const services = Object.entries(compose.services);
const mounts = services.flatMap(([name, { volumes = [] }]) =>
  volumes.map((volume) => {
    const [source = '', target = '', mode = 'rw'] = volume.split(':');
    return { name, source, target, mode };
  }),
);
const fromRepository = mounts
  .filter(({ source }) => source.startsWith('.'))
  .map((mount) => ({ ...mount, source: normalize(join(dirname(FILE), mount.source)) }));
/** The file of this repository that a container sees at this path. */
const seenBy = (service: string, path: string): string => {
  const mount = fromRepository.find(({ name, target }) => name === service && `${path}/`.startsWith(`${target}/`));
  if (mount === undefined) throw new Error(`${service} sees no file of ours at ${path}`);
  return join(mount.source, path.slice(mount.target.length));
};
const option = (name: string): string | undefined =>
  prometheus.command?.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);

describe('the compose file', () => {
  test('has the four services, with keys of the specification, each restarted when the host is', () => {
    expect(Object.keys(compose.services)).toEqual(['gateway', 'jaeger', 'prometheus', 'grafana']);
    for (const [name, service] of services) {
      expect(
        Object.keys(service).filter((one) => !SERVICE_KEYS.includes(one)),
        name,
      ).toEqual([]);
      expect(service, name).toMatchObject({ network_mode: 'host', restart: 'unless-stopped' });
      expect(service.ports, `${name}: of no use with the network of the host`).toBeUndefined();
      for (const other of service.depends_on ?? []) expect(compose.services).toHaveProperty(other);
    }
  });

  test.each(services.filter(([, { build }]) => build === undefined))(
    '%s has an image of a fixed version',
    (_, service) => {
      expect(service.image).toMatch(/^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/);
    },
  );

  test('every file that it names is there, and no container can write to it', () => {
    const { context = '', dockerfile = '' } = gateway.build ?? {};
    const root = normalize(join(dirname(FILE), context));
    expect(existsSync(join(root, 'package.json')) && existsSync(join(root, dockerfile))).toBe(true);
    expect(fromRepository.length).toBeGreaterThan(0);
    for (const { source, mode } of fromRepository) {
      expect(existsSync(source), source).toBe(true);
      expect(mode).toBe('ro');
    }
  });

  test('every named volume is declared, and used', () => {
    const named = mounts.filter(({ source }) => !source.startsWith('.')).map(({ source }) => source);
    expect(Object.keys(compose.volumes).toSorted()).toEqual(named.toSorted());
  });

  test('the gateway is stopped no sooner than it has drained, and can write to its state alone', () => {
    const drain = Number(gateway.environment?.['PPTP_DRAIN_TIMEOUT']);
    expect(Number(gateway.stop_grace_period?.replace(/s$/, ''))).toBeGreaterThanOrEqual(drain + 20);
    expect(gateway.read_only).toBe(true);
    // It takes its capabilities by a program with file capabilities.
    expect(gateway.security_opt).not.toContain('no-new-privileges=true');
  });

  test('the gateway has the rights that it needs and no other', () => {
    expect(gateway).toMatchObject({
      cap_drop: ['ALL'],
      cap_add: ['NET_ADMIN', 'NET_RAW'],
      devices: ['/dev/net/tun'],
    });
  });

  test('its settings are names and values that the gateway takes', () => {
    const env = gateway.environment ?? {};
    const documented = readFileSync('docs/configuration.md', 'utf8');
    for (const name of Object.keys(env))
      expect(name.startsWith('OTEL_') || documented.includes(`\`${name}\``)).toBe(true);
    const { config } = loadConfig({
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value])),
    });
    expect(config.metrics).toMatchObject({ address: '127.0.0.1', port: 9464 });
    expect(mounts.find(({ name }) => name === 'gateway')?.target).toBe(config.stateDir);
  });
});

describe('what belongs together', () => {
  test('the gateway sends traces, and only those, to where Jaeger listens', () => {
    expect(gateway.environment).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    expect(jaeger.environment).toEqual({ JAEGER_LISTEN_HOST: '127.0.0.1' });
  });

  test('Prometheus reads where the gateway offers metrics, and finds its rules', () => {
    const file = seenBy('prometheus', option('config.file') ?? '');
    const config = yaml(file) as {
      readonly rule_files: readonly string[];
      readonly scrape_configs: readonly {
        readonly job_name: string;
        readonly static_configs: readonly { readonly targets: readonly string[] }[];
      }[];
    };
    const { PPTP_METRICS_ADDRESS: address, PPTP_METRICS_PORT: port } = gateway.environment ?? {};
    expect(config.scrape_configs).toEqual([
      { job_name: 'pptp-gateway', static_configs: [{ targets: [`${address}:${port}`] }] },
    ]);
    for (const rules of config.rule_files) {
      expect(existsSync(seenBy('prometheus', join(dirname(option('config.file') ?? ''), rules)))).toBe(true);
    }
    expect(prometheus.command).toContain('--enable-feature=exemplar-storage');
    expect(mounts.some(({ name, target }) => name === 'prometheus' && target === option('storage.tsdb.path'))).toBe(
      true,
    );
  });

  test('Grafana asks that Prometheus, and shows the dashboard', () => {
    const sources = yaml(seenBy('grafana', '/etc/grafana/provisioning/datasources/prometheus.yaml')) as {
      readonly datasources: readonly { readonly type: string; readonly url: string; readonly isDefault: boolean }[];
    };
    expect(sources.datasources).toMatchObject([
      { type: 'prometheus', url: `http://${option('web.listen-address')}`, isDefault: true },
    ]);
    const { providers } = yaml(seenBy('grafana', '/etc/grafana/provisioning/dashboards/pptp-gateway.yaml')) as {
      readonly providers: readonly { readonly type: string; readonly options: { readonly path: string } }[];
    };
    const [provider] = providers;
    expect(provider?.type).toBe('file');
    const home = grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
    expect(dirname(home)).toBe(provider?.options.path);
    expect(existsSync(seenBy('grafana', home))).toBe(true);
  });

  test('everything but PPTP stays on loopback, and the page for operators says where', () => {
    const { GF_SERVER_HTTP_ADDR: address, GF_SERVER_HTTP_PORT: port } = grafana.environment ?? {};
    const binds = [
      `${gateway.environment?.['PPTP_METRICS_ADDRESS']}:${gateway.environment?.['PPTP_METRICS_PORT']}`,
      `${jaeger.environment?.['JAEGER_LISTEN_HOST']}:16686`,
      `${jaeger.environment?.['JAEGER_LISTEN_HOST']}:4318`,
      option('web.listen-address') ?? '',
      `${address}:${port}`,
    ];
    const page = readFileSync('deploy/README.md', 'utf8');
    for (const bind of binds) {
      expect(bind).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(page).toContain(bind);
    }
  });
});

describe('secrets beside it', () => {
  const extra = yaml('deploy/compose/secrets.yaml') as {
    readonly services: Readonly<Record<string, Service>>;
    readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  };
  const env = extra.services['gateway']?.environment ?? {};

  test('are made by the commands at its top, each of them, and are no part of the repository', () => {
    const comments = readFileSync('deploy/compose/secrets.yaml', 'utf8').match(/^#.*$/gm)?.join('\n') ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'pptp-secrets-'));
    try {
      const commands = [...comments.matchAll(/^# {3}(.*)$/gm)]
        .map(([, line = '']) => line.replaceAll('deploy/compose/secrets', `${folder}/secrets`))
        // Nobody but root gives files away, and not every machine has openssl.
        .map((line) =>
          line
            .replace(' -o 1723', '')
            .replace(/^chown 1723/, 'ls')
            .replace('openssl rand -hex 32', 'echo secret'),
        );
      execFileSync('sh', ['-e'], { input: commands.join('\n'), stdio: ['pipe', 'ignore', 'pipe'] });
      for (const { file } of Object.values(extra.secrets)) {
        expect(readFileSync(join(folder, file), 'utf8').trim()).toBe('secret');
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(readFileSync('.gitignore', 'utf8').split('\n')).toContain('/deploy/compose/secrets/');
  });

  test('are files, each declared and each named to the gateway', () => {
    const named = Object.values(env).map((path) => path.replace('/run/secrets/', ''));
    expect(named.toSorted()).toEqual(Object.keys(extra.secrets).toSorted());
    expect(extra.services['gateway']?.secrets).toEqual(named);
    for (const name of Object.keys(env)) {
      expect(
        KEYS.some((key) => key.sensitive === true && `${key.env}_FILE` === name),
        name,
      ).toBe(true);
    }
  });
});
