import { describe, expect, it } from 'vitest';
import { formatIpv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import type { EapMethod } from '../../core/ports/eap.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { LiveValue } from '../../gateway/life/live-value.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { eapMd5, eapMethod, eapMsChapV2, eapPlugin } from '../../plugins/auth-eap/index.ts';
import { eapTls } from '../../plugins/auth-eap-tls/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { bindAuth } from '../../plugins/radius/bind-auth.ts';
import { SERVER_SETTINGS, type ServerOptions } from '../../plugins/radius/settings.ts';
import { tlsEngine } from '../support/eap-tls-files.ts';
import { eventually } from '../support/eventually.ts';
import { type DialOptions, GatewayLab, type LabOptions } from '../support/gateway-lab.ts';
import { type DatagramServer, socketsTo } from '../support/radius-bench.ts';
import { RadiusUsers } from '../support/radius-users.ts';
import { ATTRIBUTE, attribute, CODE, firstOf } from '../support/radius-wire.ts';

const SECRET = 'radius-of-the-scenario';
const EVERY = 'eap,ms-chap-v2,ms-chap-v1,chap-md5,pap';

const defaults = Object.fromEntries(
  Object.entries(SERVER_SETTINGS).map(([name, setting]) => [name, setting.default]),
) as unknown as ServerOptions;

const radius = (
  servers: Readonly<Record<string, DatagramServer>>,
  changes: Partial<ServerOptions> = {},
): LoadedPlugin => {
  const options: ServerOptions = {
    ...defaults,
    sharedSecret: SECRET,
    servers: Object.keys(servers).map((host) => ({ host, port: 1812, weight: 1 })),
    ...changes,
  };
  return withOptions(
    definePlugin({
      name: 'radius',
      api: PLUGIN_API,
      register: ({ bind }) => bindAuth(bind, new LiveValue(options), socketsTo(servers)),
    }),
    undefined,
  );
};

const start = (
  servers: Readonly<Record<string, DatagramServer>>,
  env: Readonly<Record<string, string>> = {},
  changes: Partial<ServerOptions> = {},
  options: Omit<LabOptions, 'env' | 'plugins'> = {},
): Promise<GatewayLab> =>
  GatewayLab.start({
    // Nobody is a user of the gateway's own.
    users: {},
    ...options,
    env: { PPTP_AUTH_METHODS: EVERY, ...env },
    plugins: [radius(servers, changes), withOptions(eapPlugin, { methods: ['ms-chap-v2'], maxAttempts: 3 })],
  });

const users = (methods?: readonly EapMethod[]): RadiusUsers =>
  new RadiusUsers(SECRET, { alice: { password: 'wonderland' } }, methods);

const lines = (lab: GatewayLab, event: string) =>
  lab.log.lines.filter((line) => line.event === event).map(({ fields }) => fields);

describe('users of a RADIUS server', () => {
  it.each<[AuthMethod, DialOptions['link'], string, string]>([
    [papMethod(), { encryption: 'disabled' }, 'disabled', 'none'],
    [chapMd5Method(), { encryption: 'disabled' }, 'permitted', 'none'],
    [msChapV1Method(), {}, 'required', 'MPPE 128 stateless'],
    [msChapV2Method(), {}, 'required', 'MPPE 128 stateless'],
    [eapMethod([eapMsChapV2()]), {}, 'required', 'MPPE 128 stateless'],
  ])('$name', async (method, link, policy, encryption) => {
    const server = users();
    const lab = await start({ one: server }, { PPTP_MPPE: policy });
    await lab.connect({ method, ...(link === undefined ? {} : { link }) });
    expect(lines(lab, 'session.up')).toMatchObject([{ user: 'alice', encryption }]);
    expect(server.requests.length).toBeGreaterThan(0);
    await lab.stop();
  });

  it('EAP-TLS is between the client and the server; the gateway knows nothing of it', async () => {
    const server = users([eapTls(tlsEngine('server'))]);
    const lab = await start({ one: server }, { PPTP_MPPE: 'required' });
    const client = eapMethod([eapTls(tlsEngine('alice'))]);
    await lab.dial({ method: client });
    // TLS works in threads of its own, in real time: virtual time must not run away from it.
    await eventually(async () => {
      await lab.clock.advance(1);
      expect(lines(lab, 'session.up')).toHaveLength(1);
    }, 1);
    expect(lines(lab, 'session.up')).toMatchObject([{ user: 'alice', encryption: 'MPPE 128 stateless' }]);
    expect(server.requests.length).toBeGreaterThan(4);
    for (const { attributes } of server.requests) expect(firstOf(attributes, ATTRIBUTE.framedMtu)).toBeLessThan(1400);
    await lab.stop();
  });

  it('the profile of the server holds', async () => {
    const server = users();
    const lab = await start({ one: server }, { PPTP_POOL: '10.99.0.0/24' });
    const address = parseIpv4('10.99.0.77') ?? expect.fail();
    const dns = parseIpv4('10.99.0.53') ?? expect.fail();
    server.profile = [
      attribute(ATTRIBUTE.framedIpAddress, address),
      attribute(ATTRIBUTE.msPrimaryDnsServer, dns),
      attribute(ATTRIBUTE.sessionTimeout, 120),
      attribute(ATTRIBUTE.userName, 'alice@example.com'),
    ];
    const connected = await lab.connect();
    expect(formatIpv4(connected.address)).toBe('10.99.0.77');
    expect(lines(lab, 'session.up')).toMatchObject([{ user: 'alice@example.com' }]);
    await lab.clock.advance(121_000);
    expect(lines(lab, 'session.closed')).toMatchObject([{ reason: 'session-timeout' }]);
    await lab.stop();
  });

  it.each([msChapV1Method(), msChapV2Method()])('$name: changes an expired password', async (method) => {
    const server = new RadiusUsers(SECRET, { alice: { password: 'wonderland', expired: true } });
    server.newPassword = 'looking-glass';
    const lab = await start({ one: server });
    await lab.connect({ method, link: { newPassword: 'looking-glass' } });
    expect(lines(lab, 'session.up')).toMatchObject([{ user: 'alice', encryption: 'MPPE 128 stateless' }]);
    await lab.stop();
  });

  it.each([msChapV2Method(), eapMethod([eapMsChapV2()])])('$name: a wrong password is refused', async (method) => {
    const lab = await start({ one: users() });
    const { peer } = await lab.dial({ method, password: 'guess' });
    await lab.clock.advance(30_000);
    expect(peer.network).toBeUndefined();
    expect(lines(lab, 'session.up')).toEqual([]);
    expect(lines(lab, 'auth.failed')[0]).toMatchObject({ user: 'alice', denial: 'bad-credentials' });
    await lab.stop();
  });

  it('without keys a session that must be encrypted is refused, and the log says what to set', async () => {
    const server = users();
    server.keys = false;
    const lab = await start({ one: server }, { PPTP_MPPE: 'required' });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(lines(lab, 'session.closed')).toMatchObject([{ reason: 'encryption-required' }]);
    expect(lab.log.lines.find(({ event }) => event === 'radius.no-keys')?.message).toContain('use_mppe = yes');
    await lab.stop();
  });

  it('goes on with the second server when the first is dead, and says so once', async () => {
    const [dead, alive] = [users(), users()];
    dead.instead = () => 'silent';
    const lab = await start({ dead, alive });
    for (let i = 0; i < 3; i += 1) {
      await lab.dial();
      await lab.clock.advance(6000);
    }
    expect(lines(lab, 'session.up')).toHaveLength(3);
    expect(lines(lab, 'radius.server-dead')).toMatchObject([{ server: 'dead:1812' }]);
    await lab.stop();
  });

  it('is out of order when no server answers: nobody is looked for elsewhere', async () => {
    const dead = users();
    dead.instead = () => 'silent';
    const lab = await start({ dead }, {}, {}, { users: { alice: { password: 'wonderland' } } });
    await lab.dial();
    await lab.clock.advance(30_000);
    expect(lines(lab, 'auth.failed')).toMatchObject([{ denial: 'unavailable' }]);
    await lab.stop();
  });

  it.each([msChapV2Method(), eapMethod([eapMsChapV2()])])(
    '$name: users whom it does not know may be those of the gateway',
    async (method) => {
      const server = new RadiusUsers(SECRET, {});
      server.instead = () => ({ code: CODE.accessReject, attributes: [] });
      const lab = await start(
        { one: server },
        {},
        { onReject: 'next' },
        { users: { alice: { password: 'wonderland' } } },
      );
      await lab.connect({ method });
      expect(lines(lab, 'session.up')).toMatchObject([{ user: 'alice' }]);
      await lab.stop();
    },
  );

  it('names the session as the gateway does', async () => {
    const server = users();
    const lab = await start({ one: server });
    await lab.connect();
    const [up] = lines(lab, 'session.up');
    expect(firstOf(server.last.attributes, ATTRIBUTE.acctSessionId)).toBe(up?.['session']);
    await lab.stop();
  });

  it('EAP-MD5 from the server yields no keys', async () => {
    const server = users([eapMd5()]);
    const lab = await start({ one: server }, { PPTP_MPPE: 'permitted' });
    await lab.connect({ method: eapMethod([eapMd5()]), link: { encryption: 'disabled' } });
    expect(lines(lab, 'session.up')).toMatchObject([{ user: 'alice', encryption: 'none' }]);
    await lab.stop();
  });
});

describe('policies and EAP at a RADIUS server', () => {
  const watched = (allow = true) => {
    const told: string[] = [];
    const plugin = withOptions(
      definePlugin({
        name: 'watching',
        api: PLUGIN_API,
        register: ({ bind }) => {
          bind(TOKENS.SessionPolicy).toConstantValue({
            name: 'watching',
            mayTry: ({ userName }) => {
              told.push(`may ${userName}`);
              return allow;
            },
            tried: ({ userName }, denial) => {
              told.push(`tried ${userName}: ${denial ?? 'right'}`);
            },
          });
        },
      }),
      undefined,
    );
    return { told, plugin };
  };
  const eap = eapMethod([eapMsChapV2()]);
  const begin = (server: RadiusUsers, policy: LoadedPlugin, changes: Partial<ServerOptions> = {}) =>
    GatewayLab.start({
      users: { alice: { password: 'wonderland' } },
      env: { PPTP_AUTH_METHODS: 'eap' },
      plugins: [
        radius({ one: server }, changes),
        policy,
        withOptions(eapPlugin, { methods: ['ms-chap-v2'], maxAttempts: 1 }),
      ],
    });

  it('hear of one attempt, right or wrong', async () => {
    const { told, plugin } = watched();
    const lab = await begin(users(), plugin);
    await lab.connect({ method: eap });
    expect(told).toEqual(['may alice', 'tried alice: right']);
    await lab.dial({ method: eap, password: 'guess' });
    await lab.clock.advance(10_000);
    expect(told.slice(2)).toEqual(['may alice', 'tried alice: bad-credentials']);
    await lab.stop();
  });

  it('keep the server from being asked', async () => {
    const { told, plugin } = watched(false);
    const server = users();
    const lab = await begin(server, plugin);
    await lab.dial({ method: eap });
    await lab.clock.advance(10_000);
    expect(server.requests).toEqual([]);
    expect(told).toEqual(['may alice']);
    expect(lines(lab, 'auth.failed')).toMatchObject([{ user: 'alice', denial: 'locked' }]);
    await lab.stop();
  });

  it('hear what the gateway itself says of a user whom the server does not know', async () => {
    const { told, plugin } = watched();
    const server = users();
    server.instead = () => ({ code: CODE.accessReject, attributes: [] });
    const lab = await begin(server, plugin, { onReject: 'next' });
    await lab.dial({ method: eap, password: 'guess' });
    await lab.clock.advance(10_000);
    expect(told.filter((one) => one.startsWith('tried'))).toEqual(['tried alice: bad-credentials']);
    await lab.stop();
  });

  it('a relay that hangs is given up like any other question to a plug-in', async () => {
    const hanging = withOptions(
      definePlugin({
        name: 'hanging',
        api: PLUGIN_API,
        register: ({ bind }) => {
          bind(TOKENS.EapRelay).toConstantValue({ name: 'hanging', ask: () => new Promise(() => undefined) });
        },
      }),
      undefined,
    );
    const lab = await GatewayLab.start({
      env: { PPTP_AUTH_METHODS: 'eap', PPTP_PLUGIN_TIMEOUT: '5' },
      plugins: [hanging, withOptions(eapPlugin, { methods: ['ms-chap-v2'], maxAttempts: 1 })],
    });
    await lab.dial({ method: eap });
    await lab.clock.advance(4_000);
    expect(lines(lab, 'auth.failed')).toEqual([]);
    await lab.clock.advance(2_000);
    expect(lines(lab, 'auth.failed')).toMatchObject([{ user: 'alice', denial: 'unavailable' }]);
    await lab.stop();
  });
});
