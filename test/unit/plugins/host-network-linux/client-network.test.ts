import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientNetwork } from '../../../../plugins/host-network-linux/client-network.ts';
import { type ClientTunnel, hasRoute, parseWay } from '../../../../plugins/host-network-linux/client-plan.ts';
import { address } from '../../../support/batches.ts';
import { FakeHost } from './fake-host.ts';

const EVERYTHING = { network: address('0.0.0.0'), prefixLength: 0 };
const TEN = { network: address('10.0.0.0'), prefixLength: 8 };

const tunnel = (given: Partial<ClientTunnel> = {}): ClientTunnel => ({
  interfaceName: 'pptp-dial0',
  address: address('10.99.0.2'),
  peer: address('10.99.0.1'),
  server: address('203.0.113.1'),
  mtu: 1396,
  queueLength: 1000,
  routes: [],
  ...given,
});

describe('ClientNetwork', () => {
  let folder: string;
  let host: FakeHost;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pptp-client-'));
    host = new FakeHost();
    way([{ dst: '203.0.113.1', gateway: '192.0.2.254', dev: 'eth0', prefsrc: '192.0.2.7' }]);
    host.answers.push(['ip -j -4 route show', { stdout: '[]' }]);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const way = (routes: readonly object[]): void => {
    host.answers.push(['ip -j -4 route get', { stdout: JSON.stringify(routes) }]);
  };
  const network = (): ClientNetwork =>
    new ClientNetwork({ host }, { stateDirectory: folder, interfaceName: 'pptp-dial0' });
  const state = (): string => join(folder, 'dial-pptp-dial0.json');
  const changes = (): string[] => host.done.splice(0).filter((line) => !line.startsWith('ip -j'));

  it('gives the device its address, MTU and routes, and takes them back', async () => {
    const it = network();
    await it.up(tunnel({ routes: [TEN] }));
    expect(changes()).toEqual([
      'ip address replace 10.99.0.2 peer 10.99.0.1 dev pptp-dial0',
      'ip link set dev pptp-dial0 mtu 1396 txqueuelen 1000 up',
      'ip route prepend 10.0.0.0/8 dev pptp-dial0 src 10.99.0.2',
    ]);
    await it.down();
    expect(changes()).toEqual([
      'ip route del 10.0.0.0/8 dev pptp-dial0',
      'ip address del 10.99.0.2 peer 10.99.0.1 dev pptp-dial0',
    ]);
    expect(existsSync(state())).toBe(false);
    await it.down();
    expect(changes()).toEqual([]);
  });

  it('keeps the server outside of a tunnel that takes everything, before anything else changes', async () => {
    const it = network();
    await it.up(tunnel({ routes: [EVERYTHING] }));
    expect(changes()).toEqual([
      'ip route replace 203.0.113.1/32 via 192.0.2.254 dev eth0',
      'ip address replace 10.99.0.2 peer 10.99.0.1 dev pptp-dial0',
      'ip link set dev pptp-dial0 mtu 1396 txqueuelen 1000 up',
      'ip route prepend 0.0.0.0/1 dev pptp-dial0 src 10.99.0.2',
      'ip route prepend 128.0.0.0/1 dev pptp-dial0 src 10.99.0.2',
    ]);
    await it.down();
    expect(changes().at(-1)).toBe('ip route del 203.0.113.1/32 via 192.0.2.254 dev eth0');
  });

  it('does so for every route that the server lies in, also when it is a neighbour', async () => {
    way([{ dst: '203.0.113.1', dev: 'eth0', prefsrc: '203.0.113.7' }]);
    await network().up(tunnel({ routes: [{ network: address('203.0.0.0'), prefixLength: 8 }] }));
    expect(changes()[0]).toBe('ip route replace 203.0.113.1/32 dev eth0');
  });

  it('leaves a route to the server alone that was there before', async () => {
    host.answers.push(['ip -j -4 route show', { stdout: '[{"dst":"203.0.113.1","dev":"eth0"}]' }]);
    const it = network();
    await it.up(tunnel({ routes: [EVERYTHING] }));
    await it.down();
    expect(changes().filter((line) => line.includes('203.0.113.1'))).toEqual([]);
  });

  it('does not route a server into the tunnel that uses its outer address inside, too', async () => {
    await network().up(tunnel({ peer: address('203.0.113.1') }));
    expect(changes()[0]).toBe('ip address replace 10.99.0.2/32 dev pptp-dial0');
  });

  it('takes back what a killed one left when the next begins, and only then', async () => {
    await network().up(tunnel({ routes: [EVERYTHING] }));
    changes();
    const record: object = JSON.parse(readFileSync(state(), 'utf8'));
    writeFileSync(state(), JSON.stringify({ ...record, pid: 99999 }));
    await network().recover();
    expect(changes().at(-1)).toBe('ip route del 203.0.113.1/32 via 192.0.2.254 dev eth0');
    expect(existsSync(state())).toBe(false);
  });

  it('says who has the device when that dial still runs', async () => {
    await network().up(tunnel());
    const record: object = JSON.parse(readFileSync(state(), 'utf8'));
    writeFileSync(state(), JSON.stringify({ ...record, pid: 4711, startTime: '77' }));
    host.files.set('/proc/4711/stat', `4711 (node) S ${Array.from({ length: 18 }, () => 0).join(' ')} 77 0`);
    await expect(network().recover()).rejects.toMatchObject({
      code: 'HOST_NETWORK',
      message: 'Process 4711 has a tunnel with the device pptp-dial0: stop it, or use another --tun.',
    });
  });

  it('takes everything back when a step fails, and says what to check', async () => {
    host.answers.push(['ip route prepend 10.0.0.0/8', { code: 2, stderr: 'RTNETLINK answers: File exists\n' }]);
    await expect(network().up(tunnel({ routes: [TEN] }))).rejects.toMatchObject({
      code: 'HOST_NETWORK',
      message: expect.stringMatching(/10\.0\.0\.0\/8 .*File exists.*check --route/),
    });
    expect(changes().at(-1)).toBe('ip address del 10.99.0.2 peer 10.99.0.1 dev pptp-dial0');
    expect(existsSync(state())).toBe(false);
  });

  it('says what does not pass by itself with a code of its own', async () => {
    host.answers.push(['ip route prepend', { code: 2, stderr: 'RTNETLINK answers: Operation not permitted\n' }]);
    await expect(network().up(tunnel({ routes: [TEN] }))).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringContaining('run dial as root'),
    });
    host.answers.push(['ip', { code: 1, missing: true, stderr: 'spawn ip ENOENT' }]);
    for (const routes of [[TEN], [EVERYTHING]]) {
      await expect(network().up(tunnel({ routes }))).rejects.toMatchObject({
        code: 'HOST_REFUSED',
        message: expect.stringContaining('apt-get install iproute2'),
      });
    }
  });

  it('takes back what it could not take back before, ahead of the next tunnel', async () => {
    const it = network();
    await it.up(tunnel({ routes: [EVERYTHING] }));
    host.answers.push([
      'ip route del 203.0.113.1/32',
      { code: 2, stderr: 'RTNETLINK answers: Device or resource busy' },
    ]);
    await expect(it.down()).rejects.toMatchObject({ code: 'HOST_NETWORK' });
    expect(existsSync(state())).toBe(true);
    host.answers.pop();
    changes();
    await it.up(tunnel({ address: address('10.99.0.3') }));
    const done = changes();
    const last = done.indexOf('ip route del 203.0.113.1/32 via 192.0.2.254 dev eth0');
    expect(last).toBeGreaterThanOrEqual(0);
    expect(done.indexOf('ip address replace 10.99.0.3 peer 10.99.0.1 dev pptp-dial0')).toBeGreaterThan(last);
  });

  it('does not begin when the way to the server cannot be found out', async () => {
    host.answers.push(['ip -j -4 route get', { code: 2, stdout: '', stderr: 'Network is unreachable' }]);
    await expect(network().up(tunnel({ routes: [EVERYTHING] }))).rejects.toMatchObject({ code: 'HOST_NETWORK' });
    expect(changes()).toEqual([]);
  });
});

describe('what ip prints', () => {
  it.each([
    ['a way through a router', '[{"gateway":"192.0.2.1","dev":"eth0"}]', 'eth0', '192.0.2.1', false],
    ['a neighbour', '[{"dev":"eth1"}]', 'eth1', undefined, false],
    ['an address of this host', '[{"type":"local","dev":"lo"}]', 'lo', undefined, true],
  ])('%s', (_, text, device, via, pinned) => {
    expect(parseWay(text)).toEqual({ device, via, pinned });
  });

  it.each(['', 'nonsense', '{}', '[]', '[1]', '[{"dev":7}]'])('no way: %j', (text) => {
    expect(parseWay(text)).toBeUndefined();
  });

  it('a route or none', () => {
    expect([hasRoute('[{"dst":"203.0.113.1"}]'), hasRoute('[]'), hasRoute('')]).toEqual([true, false, false]);
  });
});
