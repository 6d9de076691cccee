import { describe, expect, it } from 'vitest';
import { definePlugin, type GatewayPlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import { policySessionsPlugin } from '../../plugins/policy-sessions/index.ts';
import {
  failuresOf,
  type LiveSettingsRig,
  liveSettingsContract,
  runContract,
  type TestGateway,
} from '../../testing/index.ts';

/** Two log-ins of alice: which of them is up. */
const bothOf = async (gateway: TestGateway): Promise<readonly boolean[]> => {
  const first = await gateway.dial();
  const second = await gateway.dial();
  const up = [await gateway.ping(first), await gateway.ping(second)];
  for (const client of [first, second]) if (client.address !== undefined) await client.hangUp();
  return up;
};

runContract(
  liveSettingsContract('policy-sessions', async () => ({
    plugin: policySessionsPlugin,
    env: {},
    client: { user: 'bob', password: 'builder' },
    gateway: { users: { alice: { password: 'wonderland' }, bob: { password: 'builder' } } },
    changes: {
      limit: { to: '2', seen: bothOf },
      onLimit: { to: 'replace', seen: bothOf },
      users: { to: 'alice=2', seen: bothOf },
    },
    refused: { PPTP_POLICY_SESSIONS_LIMIT: 'many' },
  })),
  { describe, it },
);

interface DoorOptions {
  readonly closed: boolean;
  readonly name: string;
}

/** Lets nobody in while `closed`; `of` makes what looks at the options. */
const door = (
  of: (start: DoorOptions, live: { readonly current: DoorOptions }) => () => boolean,
  onChange?: () => void,
): GatewayPlugin => {
  const plugin = definePlugin<DoorOptions>({
    name: 'door',
    api: PLUGIN_API,
    settings: {
      closed: { kind: kinds.toggle, doc: 'Lets nobody in.', default: false, live: true },
      name: { kind: kinds.text(), doc: 'What it says.', default: 'door' },
    },
    check: ({ closed, name }) => (closed && name === 'gate' ? ['a gate is never closed'] : []),
    register({ bind }, options, live) {
      if (onChange !== undefined) live.onChange(onChange);
      const isClosed = of(options, live);
      bind(TOKENS.SessionPolicy).toConstantValue({
        name: 'door',
        admit: () =>
          Promise.resolve(isClosed() ? { admit: false, denial: 'closed', detail: 'closed' } : { admit: true }),
      });
    },
  });
  return plugin;
};

const isIn = async (gateway: TestGateway): Promise<boolean> => {
  const client = await gateway.dial();
  const up = client.address !== undefined;
  if (up) await client.hangUp();
  return up;
};

const rig = (plugin: GatewayPlugin, changes: LiveSettingsRig['changes']): LiveSettingsRig => ({
  plugin,
  env: {},
  changes,
  refused: { PPTP_DOOR_CLOSED: 'true', PPTP_DOOR_NAME: 'gate' },
});
const failed = async (one: LiveSettingsRig): Promise<Readonly<Record<string, string>>> => {
  const failures = await failuresOf(liveSettingsContract('door', async () => one));
  return Object.fromEntries([...failures].map(([name, { message }]) => [name, message]));
};
const right = (_start: DoorOptions, live: { readonly current: DoorOptions }) => () => live.current.closed;

describe('the contract of live settings', () => {
  it('has nothing to say of a plug-in that looks at what is in force', async () => {
    expect(await failed(rig(door(right), { closed: { to: 'true', seen: isIn } }))).toEqual({});
  });

  it('finds one that keeps what it had at the start', async () => {
    const kept = rig(
      door(
        ({ closed }) =>
          () =>
            closed,
      ),
      { closed: { to: 'true', seen: isIn } },
    );
    expect(await failed(kept)).toEqual({
      'brings each into force, and the first value again': 'closed is "live", and changes nothing',
    });
  });

  it('finds a live setting of which nobody says what it changes', async () => {
    expect(await failed(rig(door(right), {}))).toMatchObject({
      'says of each what it changes': expect.stringMatching(/each live setting/),
    });
  });

  it('finds one that fails when it is told', async () => {
    const plugin = door(right, () => {
      throw new Error('no');
    });
    expect(await failed(rig(plugin, { closed: { to: 'true', seen: isIn } }))).toEqual({
      'ends no tunnel by it': 'it threw when it was told of a change: see onChange',
    });
  });
});
