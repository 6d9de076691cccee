import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AddressPool } from '../../core/ports/addresses.ts';
import type { Authenticator } from '../../core/ports/auth.ts';
import type { ControlPlugin } from '../../core/ports/control.ts';
import { definePlugin, PLUGIN_API, type PluginBindings } from '../../core/ports/plugin.ts';
import type { Attributes } from '../../core/ports/telemetry.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { MemoryTunDevice } from '../../plugins/io-memory/index.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabOptions } from '../support/gateway-lab.ts';
import { undocumented } from '../support/trace-check.ts';

const plugin = (register: (bindings: PluginBindings) => void, name = 'acme'): LoadedPlugin =>
  withOptions(definePlugin({ name, api: PLUGIN_API, register }), undefined);

const never = (): Promise<never> => new Promise(() => undefined);
const fail = (): never => {
  throw new Error('a bug');
};

const backEnd = (verify: Authenticator['verify']): LoadedPlugin =>
  plugin(({ bind }) =>
    bind(TOKENS.Authenticator).toConstantValue({ name: 'acme-users', supports: () => true, verify }),
  );

/** The lab, and a client that has had ten seconds. */
const dial = async (lab: GatewayLab) => {
  const client = await lab.dial();
  await lab.clock.advance(10_000);
  return client;
};
interface Span {
  readonly name: string;
  readonly steps: readonly (Span & { readonly attributes: Attributes; readonly ended: boolean })[];
}

/** Above what, name, port and whether it has ended, of all steps of plug-ins below a span. */
const pluginSteps = ({ name, steps }: Span): readonly unknown[] =>
  steps.flatMap((step) => [
    ...(step.name.startsWith('plugin.') ? [[name, step.name, step.attributes['pptp.plugin.port'], step.ended]] : []),
    ...pluginSteps(step),
  ]);

const events = (lab: GatewayLab, event: string) => lab.log.lines.filter((line) => line.event === event);

describe('a back-end that hangs', () => {
  const options: LabOptions = { env: { PPTP_PLUGIN_TIMEOUT: '2' }, plugins: [backEnd(never)] };

  it('costs a log-in, is shown in its trace, and is not asked for a while after several', async () => {
    const lab = await GatewayLab.start(options);
    for (let at = 0; at < 5; at += 1) expect((await dial(lab)).peer.network).toBeUndefined();
    expect(events(lab, 'auth.backend-failed')).toHaveLength(5);
    expect(events(lab, 'auth.backend-failed')[0]?.fields).toMatchObject({
      type: 'PluginFailure',
      code: 'plugin-timeout',
    });
    const [resting, ...more] = events(lab, 'plugin.resting');
    expect([resting?.message, more]).toEqual([
      'acme-users (authenticator) fails again and again: it is not asked for 5 s',
      [],
    ]);
    const durations = lab.telemetry.measures.filter(({ name }) => name === 'pptp.auth.backend.duration');
    expect(durations.map(({ seconds }) => seconds)).toEqual([2, 2, 2, 2, 2]);
    expect(undocumented(lab.telemetry.traces)).toEqual([]);
    await lab.stop();
  });
});

it('a back-end and a pool of a plug-in are steps of the trace, and what is built in is none', async () => {
  const A = address('10.7.7.7');
  const acme = plugin(({ bind }) => {
    bind(TOKENS.Authenticator).toConstantValue({
      name: 'acme-users',
      supports: () => true,
      verify: async () => ({ ok: false, denial: 'unknown-user' }),
    });
    bind(TOKENS.AddressPool).toConstantValue({
      gatewayAddress: address('10.7.7.1'),
      lease: async () => ({ ok: true, address: A }),
      release: () => undefined,
    });
  });
  const stepsOf = async (plugins: readonly LoadedPlugin[]): Promise<readonly unknown[]> => {
    const lab = await GatewayLab.start({ plugins });
    await lab.connect();
    const { traces } = lab.telemetry;
    expect(undocumented(traces)).toEqual([]);
    await lab.stop();
    return traces.flatMap(({ phases }) => phases.flatMap(pluginSteps));
  };
  expect(await stepsOf([acme])).toEqual([
    ['auth.backend', 'plugin.acme-users', 'authenticator', true],
    ['address', 'plugin.address-pool', 'address-pool', true],
  ]);
  expect(await stepsOf([])).toEqual([]);
});

it('a back-end that recovers is asked again', async () => {
  let ill = true;
  const moody = backEnd(async () => (ill ? fail() : { ok: false, denial: 'unknown-user' }));
  const lab = await GatewayLab.start({ plugins: [moody] });
  for (let at = 0; at < 5; at += 1) await dial(lab);
  ill = false;
  await lab.clock.advance(5_000);
  // It knows nobody, so the lab's own users are asked.
  expect((await dial(lab)).peer.network).toBeDefined();
  expect(events(lab, 'plugin.recovered')).toHaveLength(1);
});

describe('the address pool of a plug-in', () => {
  const A = address('10.7.7.7');
  const pool = (lease: AddressPool['lease'], released: Ipv4[] = []): LoadedPlugin =>
    plugin(({ bind }) =>
      bind(TOKENS.AddressPool).toConstantValue({
        gatewayAddress: address('10.7.7.1'),
        lease,
        release: (one) => void released.push(one),
      }),
    );

  it('takes the place of the built-in one, at once or later', async () => {
    for (const lease of [() => ({ ok: true, address: A }) as const, async () => ({ ok: true, address: A }) as const]) {
      const released: Ipv4[] = [];
      const lab = await GatewayLab.start({ plugins: [pool(lease, released)] });
      const client = await lab.connect();
      expect([formatIpv4(client.address), formatIpv4(client.peer.network?.gateway ?? A)]).toEqual([
        '10.7.7.7',
        '10.7.7.1',
      ]);
      expect(events(lab, 'plugin.replaces')[0]?.message).toBe(
        `"acme" brings AddressPool in place of the gateway's own`,
      );
      expect(undocumented(lab.telemetry.traces)).toEqual([]);
      await lab.stop();
      expect(released).toEqual([A]);
    }
  });

  it.each<[string, AddressPool['lease']]>([
    ['throws', fail],
    ['hangs', never],
  ])('that %s costs a tunnel', async (_, lease) => {
    const lab = await GatewayLab.start({ env: { PPTP_PLUGIN_TIMEOUT: '2' }, plugins: [pool(lease)] });
    const { events: happened } = await dial(lab);
    expect(happened.some(({ kind }) => kind === 'up')).toBe(false);
    expect(lab.telemetry.traces[0]?.failure?.error).toBe('no-address');
    await lab.stop();
  });
});

it('policies, sinks and listeners that throw keep people out, or are not noticed', async () => {
  const told = (name: string) => ({
    name,
    up: fail,
    changed: fail,
    down: fail,
    start: fail,
    interim: fail,
    stop: fail,
  });
  const careless = plugin(({ bind }) => {
    bind(TOKENS.AccountingSink).toConstantValue(told('books'));
    bind(TOKENS.SessionListener).toConstantValue(told('ears'));
  });
  const lab = await GatewayLab.start({ plugins: [careless] });
  const client = await lab.connect();
  expect(client.peer.network).toBeDefined();
  await lab.stop();
  const failed = lab.telemetry.events.filter(({ name }) => name === 'plugin.failed');
  const counted = (port: string): number => failed.filter(({ attributes }) => attributes['port'] === port).length;
  expect([counted('accounting-sink'), counted('session-listener')]).toEqual([2, 2]);

  const strict = plugin(({ bind }) => void bind(TOKENS.SessionPolicy).toConstantValue({ name: 'gate', admit: never }));
  const closed = await GatewayLab.start({ env: { PPTP_PLUGIN_TIMEOUT: '2' }, plugins: [strict] });
  expect((await dial(closed)).peer.network).toBeUndefined();
  const [trace] = closed.telemetry.traces;
  const steps = trace?.phases.flatMap((phase) => phase.steps).filter(({ name }) => name === 'plugin.gate');
  expect(steps).toMatchObject([{ ended: true, failure: { error: 'plugin-timeout' } }]);
  expect(undocumented(closed.telemetry.traces)).toEqual([]);
});

describe('what a plug-in wants started', () => {
  const starting = (start: () => Promise<void>): LoadedPlugin =>
    plugin(
      ({ bind }) => void bind(TOKENS.Lifecycle).toConstantValue({ name: 'x', start, stop: async () => undefined }),
    );

  it('fails with the name of the plug-in', async () => {
    const lab = new GatewayLab({ plugins: [starting(async () => fail())] });
    await expect(lab.gateway.start(() => undefined)).rejects.toMatchObject({
      code: 'PLUGIN_INVALID',
      message: 'plug-in "acme" cannot be used: starting it failed: a bug',
    });
    expect(lab.clock.pending).toBe(0);
  });

  it('is named in the log where it takes long, and the gateway can be stopped meanwhile', async () => {
    let go: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => {
      go = resolve;
    });
    const lab = new GatewayLab({ plugins: [starting(() => waits)] });
    const started = lab.gateway.start(() => undefined);
    await lab.clock.advance(10_000);
    expect(events(lab, 'plugin.starting').map(({ message }) => message)).toEqual([
      'the gateway waits for the start of the plug-in "acme"',
    ]);
    const stopped = lab.gateway.stop();
    go();
    await Promise.all([started, stopped]);
  });
});

it('the control connection and the TUN device of a plug-in take the places of the built-in ones', async () => {
  const happened: string[] = [];
  const note = (what: string) => async () => void happened.push(what);
  const control: ControlPlugin = {
    name: 'acme-control',
    calls$: NEVER,
    clear: () => undefined,
    wanError: () => undefined,
    refuseCalls: () => void happened.push('refuse'),
    start: note('start'),
    stop: note('stop'),
  };
  const acme = plugin(({ bind }) => {
    bind(TOKENS.Control).toConstantValue(control);
    bind(TOKENS.Tun).toConstantValue(new MemoryTunDevice({ interfaceName: 'acme0' }));
  });
  const lab = await GatewayLab.start({ plugins: [acme] });
  expect(lab.gateway.tunName()).toBe('acme0');
  expect(events(lab, 'plugin.replaces').map(({ fields }) => fields)).toEqual([
    { plugin: 'acme', token: 'Tun', instead: 'lab' },
    { plugin: 'acme', token: 'Control', instead: 'lab' },
  ]);
  await lab.stop();
  expect(happened).toEqual(['start', 'refuse', 'stop']);
});
