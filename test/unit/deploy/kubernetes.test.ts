import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../../config/load.ts';
import { KEYS } from '../../../config/schema.ts';
import { parseUsers } from '../../../plugins/backend-user-file/users-file.ts';
import { parseDockerfile } from '../../support/dockerfile.ts';

const FOLDER = 'deploy/kubernetes';
const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8');

interface Probe {
  readonly httpGet: { readonly host: string; readonly port: number; readonly path: string };
  readonly periodSeconds: number;
  readonly failureThreshold?: number;
}
interface DaemonSet {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly updateStrategy: { readonly type: string; readonly rollingUpdate: object };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly hostNetwork: boolean;
        readonly dnsPolicy: string;
        readonly serviceAccountName: string;
        readonly automountServiceAccountToken: boolean;
        readonly enableServiceLinks: boolean;
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly {
          readonly name: string;
          readonly image: string;
          readonly args: readonly string[];
          readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
          readonly securityContext: Readonly<Record<string, unknown>>;
          readonly ports: readonly Readonly<Record<string, unknown>>[];
          readonly startupProbe: Probe;
          readonly readinessProbe: Probe;
          readonly livenessProbe: Probe;
          readonly resources: object;
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
        readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
      };
    };
  };
}

const set = parse(read('daemonset.yaml')) as DaemonSet;
const pod = set.spec.template.spec;
const [container] = pod.containers;
if (container === undefined) throw new Error('the set has no container');
const kustomization = parse(read('kustomization.yaml')) as {
  readonly namespace: string;
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly envs: readonly string[] }[];
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
};
const env: Record<string, string> = Object.fromEntries(
  read('pptp-gateway.env')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('=', 2))
    .map(([name = '', value = '']): [string, string] => [name, value]),
);
const secret = parse(read('secret.example.yaml')) as {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly stringData: Readonly<Record<string, string>>;
};
const secretsAt = container.volumeMounts.find(({ name }) => name === 'secrets')?.mountPath ?? '';

test('every file is YAML with a kind, and belongs to the kustomization or is the example', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  for (const name of files) {
    const [document, ...more] = parseAllDocuments(read(name));
    expect(document?.errors, name).toEqual([]);
    expect(more, name).toEqual([]);
    expect(document?.toJS(), name).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
  }
  expect([...kustomization.resources, 'kustomization.yaml', 'secret.example.yaml'].toSorted()).toEqual(
    files.toSorted(),
  );
});

describe('the set of gateways', () => {
  const kubectl = (() => {
    try {
      return execFileSync('kubectl', ['kustomize', FOLDER], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return undefined;
    }
  })();

  test.skipIf(kubectl === undefined)('is what kubectl makes of it: names and references fit', () => {
    const made = parseAllDocuments(kubectl ?? '').map(
      (one) => one.toJS() as { kind: string; metadata: { name: string } },
    );
    const named = (kind: string) => made.find((one) => one.kind === kind);
    const built = named('DaemonSet') as DaemonSet | undefined;
    expect(built?.metadata).toMatchObject({ namespace: 'pptp-gateway' });
    const [first] = built?.spec.template.spec.containers ?? [];
    expect(first?.envFrom[0]?.configMapRef.name).toBe(named('ConfigMap')?.metadata.name);
    expect(built?.spec.template.spec.serviceAccountName).toBe(named('ServiceAccount')?.metadata.name);
    expect(first?.image).toMatch(/:\d+\.\d+\.\d+$/);
    expect(made.map(({ kind }) => kind).toSorted()).toEqual(['ConfigMap', 'DaemonSet', 'Namespace', 'ServiceAccount']);
  });

  test('selects its own pods', () => {
    expect(set).toMatchObject({ apiVersion: 'apps/v1', kind: 'DaemonSet' });
    expect(set.spec.template.metadata.labels).toMatchObject(set.spec.selector.matchLabels);
  });

  test('is in the network of the host, with the two capabilities and the device, and says why no Service', () => {
    expect(pod).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' });
    expect(container.securityContext).toEqual({
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
      allowPrivilegeEscalation: true,
      readOnlyRootFilesystem: true,
    });
    expect(pod.volumes).toContainEqual({ name: 'tun', hostPath: { path: '/dev/net/tun', type: 'CharDevice' } });
    expect(read('daemonset.yaml')).toMatch(/No Service stands in front of it, and none can:.*GRE, IP protocol 47/s);
    expect(kustomization.resources.join()).not.toContain('service.yaml');
  });

  test('runs as the user of the image, without a token for the cluster', () => {
    const file = parseDockerfile(readFileSync('deploy/container/Dockerfile', 'utf8'));
    const [user] = file.find(({ name }) => name === 'USER')?.text.split(':') ?? [];
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: Number(user),
      runAsGroup: Number(user),
      fsGroup: Number(user),
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(parse(read('serviceaccount.yaml'))).toMatchObject({ automountServiceAccountToken: false });
  });

  test('is replaced one node at a time, each after it has drained', () => {
    expect(set.spec.updateStrategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
    });
    const { config } = loadConfig({ env: withoutFiles });
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(config.drain.timeout + 20);
  });

  test('is asked for its health where the gateway answers', () => {
    const { config } = loadConfig({ env: withoutFiles });
    const { address, port } = config.admin;
    expect(container.startupProbe.httpGet).toEqual({ host: address, port, path: '/startupz' });
    expect(container.readinessProbe.httpGet).toEqual({ host: address, port, path: '/readyz' });
    expect(container.livenessProbe.httpGet).toEqual({ host: address, port, path: '/healthz' });
    expect(container.ports).toEqual([
      { name: 'pptp', containerPort: config.listen.port, hostPort: config.listen.port, protocol: 'TCP' },
    ]);
  });

  test('mounts what it declares, and can write to nothing of the image', () => {
    expect(container.volumeMounts.map(({ name }) => name).toSorted()).toEqual(
      pod.volumes.map(({ name }) => name).toSorted(),
    );
    const { config } = loadConfig({ env: withoutFiles });
    expect(container.volumeMounts).toContainEqual({ name: 'state', mountPath: config.stateDir });
    expect(container.resources).toMatchObject({ requests: { memory: expect.any(String), cpu: expect.any(String) } });
  });
});

/** Secrets are files of the pod. */
const withoutFiles = Object.fromEntries(Object.entries(env).filter(([name]) => !name.endsWith('_TOKEN_FILE')));

describe('settings', () => {
  test('are names and values that the gateway takes; nothing secret is among them', () => {
    expect(kustomization.configMapGenerator).toEqual([{ name: 'pptp-gateway', envs: ['pptp-gateway.env'] }]);
    for (const name of Object.keys(env)) {
      const key = KEYS.find((one) => one.env === name || (one.sensitive === true && `${one.env}_FILE` === name));
      expect(key, name).toBeDefined();
      expect(key?.env === name && key.sensitive === true, name).toBe(false);
    }
    expect(loadConfig({ env: withoutFiles }).warnings).toEqual([]);
  });

  test('name secrets that the example has, in a form that the gateway takes', () => {
    expect(pod.volumes.find(({ name }) => name === 'secrets')?.secret?.secretName).toBe(secret.metadata.name);
    expect(secret.metadata.namespace).toBe(kustomization.namespace);
    const wanted = Object.values(env).filter((value) => value.startsWith(`${secretsAt}/`));
    expect(wanted.map((path) => path.slice(secretsAt.length + 1)).toSorted()).toEqual(
      Object.keys(secret.stringData).toSorted(),
    );
    expect(parseUsers('users.json', secret.stringData['users.json'] ?? '')).toEqual([]);
  });
});
