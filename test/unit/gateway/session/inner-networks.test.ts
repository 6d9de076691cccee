import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import type { HostRoutes } from '../../../../core/ports/host-routes.ts';
import type { InnerNetwork } from '../../../../core/ports/profile.ts';
import { InnerNetworks } from '../../../../gateway/session/inner-networks.ts';
import { NetworkTable } from '../../../../gateway/session/network-table.ts';
import { address, openSession } from '../../../support/batches.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const SITE: InnerNetwork = { network: address('192.168.5.0'), prefixLength: 24 };
const OTHER: InnerNetwork = { network: address('192.168.6.0'), prefixLength: 24 };

/** A host that does one thing when the test says so. */
class SlowHost implements HostRoutes {
  readonly asked: string[] = [];
  private readonly waiting: ((failure?: Error) => void)[] = [];

  add = () => Promise.resolve();
  remove = () => Promise.resolve();
  addNetwork = (one: InnerNetwork) => this.wait(`add ${formatIpv4(one.network)}`);
  removeNetwork = (one: InnerNetwork) => this.wait(`remove ${formatIpv4(one.network)}`);
  addPrefix = () => Promise.resolve();
  removePrefix = () => Promise.resolve();

  async done(failure?: Error): Promise<void> {
    this.waiting.shift()?.(failure);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }

  private wait(what: string): Promise<void> {
    this.asked.push(what);
    return new Promise((resolve, reject) => {
      this.waiting.push((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }
}

const start = () => {
  const host = new SlowHost();
  const log = new MemoryLog();
  const table = new NetworkTable();
  const networks = new InnerNetworks({ table, routes: () => host, log, own: [] });
  const failed: string[] = [];
  return { host, log, table, networks, failed, fail: (detail: string) => void failed.push(detail) };
};

describe('the host’s routes to networks behind peers', () => {
  it('of one network are changed one after the other, those of others meanwhile', async () => {
    const { host, networks, fail } = start();
    const [first, second] = [openSession(), openSession()];
    networks.claim([SITE, OTHER], first, fail);
    networks.release([SITE], first);
    networks.claim([SITE], second, fail);
    expect(host.asked).toEqual(['add 192.168.5.0', 'add 192.168.6.0']);
    for (let i = 0; i < 4; i += 1) await host.done();
    expect(host.asked).toEqual(['add 192.168.5.0', 'add 192.168.6.0', 'remove 192.168.5.0', 'add 192.168.5.0']);
  });

  it('that fail are told to whom they are for, and do not hold up the next', async () => {
    const { host, log, networks, failed, fail } = start();
    const session = openSession();
    networks.claim([SITE], session, fail);
    networks.release([SITE], session);
    networks.claim([SITE], session, () => {
      throw new Error('a bug of who is told');
    });
    networks.release([SITE], session);
    for (let i = 0; i < 4; i += 1) await host.done(new Error('no'));
    expect(host.asked).toHaveLength(4);
    expect(failed).toEqual(['the route to 192.168.5.0/24 cannot be set: no']);
    expect(log.lines.map(({ event }) => event)).toEqual(['route.not-removed', 'route.not-removed']);
  });

  it('leave what another session has by now', () => {
    const { networks, table, fail } = start();
    const [older, newer] = [openSession(), openSession()];
    networks.claim([SITE], older, fail);
    networks.claim([SITE], newer, fail);
    networks.release([SITE], older);
    expect(table.holder(SITE)).toBe(newer);
    expect(networks.taken([SITE], newer)).toBeUndefined();
    expect(networks.taken([OTHER, SITE], older)).toEqual({ network: SITE, by: newer });
  });
});
