import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { gatewayBody, liveOptions } from '../../gateway/life/gateway-body.ts';
import { LiveValue } from '../../gateway/life/live-value.ts';
import { loadPlugins } from '../../gateway/plugin-loader.ts';
import { loadConfigWithPlugins } from '../../gateway/plugins/configure.ts';
import { LogLevels } from '../../observability/log-levels.ts';
import { SessionNotes, sessionParts } from '../../testing/lab/session-parts.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const configOf = (env: Readonly<Record<string, string>>) => loadConfig({ env }).config;

const start = async (env: Readonly<Record<string, string>> = {}) => {
  const live = new LiveValue(liveOptions(configOf(env)));
  const levels = new LogLevels('info');
  const notes = new SessionNotes();
  const lab = await GatewayLab.start({ env, live, plugins: [sessionParts({ sinks: [notes] })] });
  const body = gatewayBody(lab.gateway, { live, levels });
  const reload = async (next: Readonly<Record<string, string>>): Promise<void> => {
    const commit = await body.prepare(configOf({ ...env, ...next }), 'ann');
    await commit();
  };
  return { lab, live, levels, notes, reload };
};

describe('a configuration that comes into force while tunnels are up', () => {
  it('is that of new sessions, and leaves tunnels that are up alone', async () => {
    const { lab, reload } = await start({ PPTP_DNS: '10.0.0.53' });
    const before = await lab.connect();
    await reload({ PPTP_DNS: '10.0.0.54', PPTP_SESSION_TIMEOUT: '60' });
    const packet = ipv4Packet({ source: before.address, destination: HOST });
    before.tun.hostSends(packet);
    await lab.clock.advance(100);
    expect(lab.tun.hostReceives()).toEqual(packet);

    const after = await lab.connect();
    expect(after.peer.network?.dns).toEqual([address('10.0.0.54')]);
    await lab.clock.advance(61_000);
    // The time is that of sessions that began under it.
    expect([before.peer.network !== undefined, after.peer.network !== undefined]).toEqual([true, false]);
  });

  it('takes methods of authentication away', async () => {
    const { lab, reload } = await start();
    await lab.connect();
    await reload({ PPTP_AUTH_METHODS: 'chap-md5', PPTP_MPPE: 'disabled' });
    const refused = await lab.dial();
    await lab.clock.advance(5_000);
    expect(refused.peer.network).toBeUndefined();
    expect(lab.gateway.tunnels().filter(({ upAt }) => upAt !== undefined)).toHaveLength(1);
  });

  it('gives sessions that come up the new time between records', async () => {
    const { lab, notes, reload } = await start();
    await lab.connect();
    await reload({ PPTP_ACCOUNTING_INTERIM: '60' });
    await lab.clock.advance(130_000);
    expect(notes.kinds).toEqual(['start']);
    await lab.connect();
    await lab.clock.advance(130_000);
    expect(notes.kinds).toEqual(['start', 'start', 'interim', 'interim']);
  });

  it('sets the level of the log, unless somebody has asked for another one', async () => {
    const { levels, reload } = await start();
    await reload({ PPTP_LOG_LEVEL: 'warn' });
    expect(levels.state().level).toBe('warn');
    levels.set('debug', { by: 'bob' });
    await reload({ PPTP_LOG_LEVEL: 'error' });
    expect(levels.state()).toMatchObject({ level: 'debug', configured: 'error' });
  });

  it('is refused as a whole where the gateway lacks what it names', async () => {
    const { live, lab, reload } = await start();
    const before = live.current;
    const next = liveOptions(configOf({}));
    expect(() =>
      lab.gateway.check({ ...next, session: { ...next.session, authMethods: ['ms-chap-v2', 'no-such'] } }),
    ).toThrow(/no-such/);
    expect(live.current).toBe(before);
    await reload({});
    expect(live.current).not.toBe(before);
  });
});

describe('settings of plug-ins in a configuration that comes into force', () => {
  const begin = async (env: Readonly<Record<string, string>>) => {
    const read = async (more: Readonly<Record<string, string>>) =>
      (await loadConfigWithPlugins({ env: { PPTP_PLUGINS: 'policy-sessions', ...env, ...more } })).config;
    const config = await read({});
    const live = new LiveValue(liveOptions(config));
    const lab = await GatewayLab.start({
      config,
      live,
      plugins: await loadPlugins(config.plugins, config.pluginOptions),
    });
    const body = gatewayBody(lab.gateway, { live, levels: new LogLevels('info') });
    return { lab, live, body, read };
  };
  const isUp = ({ peer }: { readonly peer: { readonly network: unknown } }): boolean => peer.network !== undefined;
  const second = async (lab: GatewayLab): Promise<boolean> => {
    const client = await lab.dial();
    await lab.clock.advance(5_000);
    return isUp(client);
  };

  it('hold from the commit on, and not before', async () => {
    const { lab, body, read } = await begin({});
    const first = await lab.connect();
    const commit = await body.prepare(await read({ PPTP_POLICY_SESSIONS_LIMIT: '2' }), 'ann');
    expect(await second(lab)).toBe(false);
    await commit();
    expect([await second(lab), isUp(first)]).toEqual([true, true]);
  });

  it('are refused together with everything else', async () => {
    const { live, body, read } = await begin({ PPTP_VENDOR: 'before' });
    const before = live.current;
    const config = await read({ PPTP_VENDOR: 'after' });
    const pluginOptions = { 'policy-sessions': { limit: 'many' } };
    await expect(body.prepare({ ...config, pluginOptions }, 'ann')).rejects.toThrow(/policy-sessions.limit/);
    expect(live.current).toBe(before);
  });
});
