import { describe, expect, it } from 'vitest';
import { perPacket } from '../../core/datapath/per-packet.ts';
import { STAGE_SLOT } from '../../core/datapath/stage.ts';
import type { Authenticator } from '../../core/ports/auth.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import { eapMd5 } from '../../plugins/auth-eap/md5.ts';
import { INTRANET_HOST, MemoryUsers, portsPacket, TestGateway } from '../../testing/index.ts';
import { address } from '../support/batches.ts';

/** Knows one user, whose name and password are settings. */
const oneUser = definePlugin({
  name: 'one-user',
  api: PLUGIN_API,
  settings: {
    userName: { kind: kinds.text(), doc: 'Who it is.' },
    password: { kind: kinds.text(), doc: 'What proves it.', secret: true },
    tries: { kind: kinds.integer(1, 9), doc: 'How often.', default: 3 },
  },
  check: ({ userName }) => (userName === 'root' ? ['userName must not be root'] : []),
  register({ bind }, { userName, password, tries }) {
    const users: Authenticator = new MemoryUsers({ [userName]: { password } });
    bind(TOKENS.Authenticator).toConstantValue({
      name: 'one-user',
      supports: (kind) => users.supports(kind),
      verify: async (kind, request, signal, origin) =>
        request.userName === userName
          ? users.verify(kind, request, signal, origin)
          : { ok: false, denial: 'unknown-user' },
    });
    bind(TOKENS.SessionListener).toResolvedValue(
      (log) => ({ name: 'one-user', up: (facts) => log.info('one-user.up', 'Up.', { user: facts.identity, tries }) }),
      [TOKENS.Log],
    );
  },
});

const env = { PPTP_ONE_USER_USER_NAME: 'dora', PPTP_ONE_USER_PASSWORD: 'explorer' };

describe('a gateway in memory for the tests of a plug-in', () => {
  it('lets a client in whom the plug-in knows, with the settings of the environment, and pings pass both ways', async () => {
    const gateway = await TestGateway.start({ plugins: [oneUser], env });
    const client = await gateway.connect({ user: 'dora', password: 'explorer' });
    expect(client.address).toBe(address('10.99.0.2'));
    expect(client.encryption).toBe('MPPE 128 stateless');
    expect(await client.ping()).toBe(true);
    expect(await gateway.ping(client)).toBe(true);
    expect(gateway.sessions).toBe(1);
    expect(gateway.log.lines.find(({ event }) => event === 'one-user.up')?.fields).toMatchObject({
      user: 'dora',
      tries: 3,
    });
    await client.hangUp();
    expect(gateway.sessions).toBe(0);
    expect(client.failure).toMatch(/ended/);
    await gateway.stop();
  });

  it('says why a client is not let in, and knows its own users besides', async () => {
    const gateway = await TestGateway.start({ plugins: [oneUser], env });
    const liar = await gateway.dial({ user: 'dora', password: 'wrong' });
    expect(liar.address).toBeUndefined();
    expect(liar.failure).toMatch(/^Authentication with 198\.51\.100\.1 failed: /);
    expect(await liar.ping()).toBe(false);
    expect((await gateway.dial()).address).toBeDefined();
    await gateway.stop();
  });

  it.each(['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v2', 'eap'] as const)('a client dials with %s', async (method) => {
    const gateway = await TestGateway.start({
      env: { PPTP_AUTH_METHODS: method, PPTP_MPPE: 'permitted', PPTP_EAP_METHODS: 'md5' },
    });
    const client = await gateway.connect({ method, eap: [eapMd5()], encryption: 'none' });
    expect(client.encryption).toBe('none');
    expect(await client.ping()).toBe(true);
    await gateway.stop();
  });

  it('shows an exchange as lines', async () => {
    const gateway = await TestGateway.start();
    const client = await gateway.connect();
    expect(client.lines.slice(0, 12)).toEqual([
      'client start-control-connection-request',
      'client outgoing-call-request',
      'server start-control-connection-reply',
      'server outgoing-call-reply',
      'server lcp.configure-request 1: mru 1400, auth ms-chap-v2, magic, pfc, acfc',
      'client lcp.configure-request 1: mru 1400, magic, pfc, acfc',
      'client lcp.configure-ack 1: mru 1400, auth ms-chap-v2, magic, pfc, acfc',
      'server lcp.configure-ack 1: mru 1400, magic, pfc, acfc',
      'server chap.challenge 138',
      'client chap.response 138',
      'server chap.success 138',
      'server ccp.configure-request 1: mppe 128-bit stateless',
    ]);
    expect((await TestGateway.start().then((other) => other.connect())).lines).toEqual(client.lines);
  });

  it('runs packets through a stage, both ways', async () => {
    const noTelnet = definePlugin({
      name: 'no-telnet',
      api: PLUGIN_API,
      register: ({ bind }) =>
        void bind(TOKENS.Stage).toConstantValue({
          name: 'no-telnet',
          slot: STAGE_SLOT.address - 10,
          inbound: perPacket(({ bytes }) => (bytes[9] === 6 && bytes[23] === 23 ? 'policy' : undefined)),
        }),
    });
    const gateway = await TestGateway.start({ plugins: [noTelnet] });
    expect(gateway.stages).toContain('no-telnet');
    const client = await gateway.connect();
    const packet = (destinationPort: number) =>
      portsPacket('tcp', { source: client.address, destination: INTRANET_HOST, sourcePort: 4000, destinationPort });
    await client.send(packet(23));
    await client.send(packet(80));
    expect(gateway.hostReceives()).toEqual([packet(80)]);
    expect([...gateway.telemetry.drops]).toEqual([['no-telnet in policy', 1]]);
    const back = portsPacket('udp', {
      source: INTRANET_HOST,
      destination: client.address,
      sourcePort: 53,
      destinationPort: 5000,
    });
    await gateway.hostSends(back);
    expect(client.receives()).toEqual([back]);
  });

  it('refuses settings as an operator would see it', async () => {
    const start = (changes: Readonly<Record<string, string>>) =>
      TestGateway.start({ plugins: [oneUser], env: { ...env, ...changes } });
    await expect(start({ PPTP_ONE_USER_TRIES: 'many' })).rejects.toThrow(
      /PPTP_ONE_USER_TRIES\).*must be a whole number from 1 to 9/,
    );
    await expect(start({ PPTP_ONE_USER_NAME: 'dora' })).rejects.toThrow(/PPTP_ONE_USER_NAME/);
    await expect(start({ PPTP_ONE_USER_USER_NAME: 'root' })).rejects.toThrow(/must not be root/);
    await expect(TestGateway.start({ plugins: [oneUser] })).rejects.toThrow(/PPTP_ONE_USER_PASSWORD/);
    await expect(TestGateway.start({ plugins: [{ ...oneUser, api: 1 }], env })).rejects.toThrow(/interface 1/);
  });
});
