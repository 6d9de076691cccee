import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { GatewayPlugin } from '../../core/ports/plugin.ts';
import { bindAccounting } from '../../plugins/radius/bind-accounting.ts';
import { bindAuth } from '../../plugins/radius/bind-auth.ts';
import { type RadiusOptions, radiusPlugin } from '../../plugins/radius/plugin.ts';
import { INTRANET_HOST, ipv4Packet, TestGateway } from '../../testing/index.ts';
import { nameOf } from '../support/accounting-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type DatagramServer, socketsTo } from '../support/radius-bench.ts';
import { RadiusUsers } from '../support/radius-users.ts';
import { ATTRIBUTE, type Attribute, CODE, firstOf, openRequest, sealReply } from '../support/radius-wire.ts';

const FIRST = 'secret of the first day';
const SECOND = 'secret of the second day';
const folder = mkdtempSync(join(tmpdir(), 'pptp-radius-reload-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Judges and takes records; what was not made with the secret that it has now it passes over, as servers do. */
class Server implements DatagramServer {
  readonly records: (readonly Attribute[])[] = [];
  passedOver = 0;
  logins = 0;
  secret = FIRST;

  async receive(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const secret = new TextEncoder().encode(this.secret);
    const request = openRequest(bytes, secret, true);
    if (typeof request === 'string') {
      this.passedOver += 1;
      return undefined;
    }
    if (request.code !== CODE.accountingRequest) {
      this.logins += 1;
      return new RadiusUsers(this.secret, { alice: { password: 'wonderland' } }).receive(bytes);
    }
    this.records.push(request.attributes);
    const { identifier, authenticator } = request;
    return sealReply({ code: CODE.accountingResponse, identifier, attributes: [] }, authenticator, secret);
  }

  get names(): readonly string[] {
    return this.records.map(nameOf);
  }
}

let gateways = 0;
/** The plug-in as it is shipped, but for the sockets. */
const start = async (servers: Readonly<Record<string, Server>>, env: Readonly<Record<string, string>> = {}) => {
  gateways += 1;
  const open = socketsTo(servers);
  const plugin: GatewayPlugin<RadiusOptions> = {
    ...radiusPlugin,
    register: ({ bind }, _options, live) => {
      bindAuth(bind, live, open);
      bindAccounting(bind, live, open);
    },
  };
  const gateway = await TestGateway.start({
    plugins: [plugin],
    users: {},
    // Nobody answers in real time: what a server does not answer is soon given up.
    patienceMs: 2,
    env: {
      PPTP_RADIUS_SERVERS: 'one',
      PPTP_RADIUS_SHARED_SECRET: FIRST,
      PPTP_RADIUS_SPOOL_DIR: join(folder, String(gateways)),
      PPTP_ACCOUNTING_INTERIM: '60',
      ...env,
    },
  });
  /** Records are on the disk first, in real time: virtual time must not run away from it. */
  const settle = (done: () => boolean): Promise<void> =>
    eventually(async () => {
      await gateway.clock.advance(10);
      expect(done()).toBe(true);
    }, 1);
  const stop = async (server: Server): Promise<void> => {
    const stopping = gateway.stop();
    await settle(() => server.names.includes('off'));
    await stopping;
  };
  return { gateway, settle, stop };
};

const kinds = ({ names }: Server): readonly string[] => names.map((name) => name.split(' ')[0] ?? '');

describe('RADIUS while a gateway runs', () => {
  it('has another secret: the session stays, its records go on, and the next log-in works', async () => {
    const one = new Server();
    const { gateway, settle, stop } = await start({ one });
    const alice = await gateway.connect();
    await settle(() => kinds(one).includes('start'));

    // The server has the new one first; what is recorded meanwhile waits, and whoever logs in does not get in.
    one.secret = SECOND;
    for (let n = 0; n < 3; n += 1) {
      await gateway.hostSends(ipv4Packet({ source: INTRANET_HOST, destination: alice.address }));
    }
    await gateway.clock.advance(61_000);
    const between = await gateway.dial();
    expect([between.address, kinds(one)]).toEqual([undefined, ['on', 'start']]);
    expect(one.passedOver).toBeGreaterThan(0);

    expect(await gateway.reload({ PPTP_RADIUS_SHARED_SECRET: SECOND })).toEqual({
      changed: ['radius.sharedSecret'],
      needRestart: [],
    });
    await settle(() => kinds(one).includes('interim'));
    const next = await gateway.connect();
    expect([await gateway.ping(alice), await gateway.ping(next)]).toEqual([true, true]);
    await stop(one);

    const [id] = one.names.flatMap((name) => (name.startsWith('start ') ? [name.slice(6)] : []));
    const own = one.records.filter((record) => nameOf(record).endsWith(String(id)));
    const last = own.at(-1) ?? [];
    expect(nameOf(last)).toBe(`stop ${id}`);
    // Three packets, and the echo of the ping.
    expect(firstOf(last, ATTRIBUTE.acctOutputPackets)).toBe(4);
    expect(own.filter((record) => nameOf(record).startsWith('start')).length).toBe(1);
    expect(JSON.stringify(gateway.log.lines)).not.toContain('secret of the');
  });

  it('has another server: the first one is asked nothing any more', async () => {
    const [one, two] = [new Server(), new Server()];
    const { gateway, settle, stop } = await start({ one, two });
    await gateway.connect();
    await settle(() => kinds(one).includes('start'));
    const { changed } = await gateway.reload({ PPTP_RADIUS_SERVERS: 'two' });
    expect(changed).toEqual(['radius.servers']);
    await gateway.connect();
    await settle(() => kinds(two).includes('start'));
    expect([one.logins, two.logins]).toEqual([1, 1]);
    const before = one.records.length;
    await gateway.clock.advance(61_000);
    await settle(() => kinds(two).filter((kind) => kind === 'interim').length >= 2);
    expect(one.records.length).toBe(before);
    await stop(two);
  });

  it('keeps its servers where the new settings are refused, and says what needs a restart', async () => {
    const one = new Server();
    const { gateway, stop } = await start({ one });
    await expect(gateway.reload({ PPTP_RADIUS_SERVERS: 'two,two' })).rejects.toThrow(/names two:1812 twice/);
    expect(await gateway.reload({ PPTP_RADIUS_NAS_IDENTIFIER: 'another' })).toEqual({
      changed: [],
      needRestart: ['radius.nasIdentifier'],
    });
    await gateway.connect();
    expect(one.logins).toBe(1);
    await stop(one);
  });
});
