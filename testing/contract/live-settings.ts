import { settingEnv } from '../../config/plugin-names.ts';
import type { GatewayPlugin } from '../../core/ports/plugin.ts';
import type { Setting } from '../../core/ports/settings.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { given, same } from '../support/given.ts';
import { type TestDial, TestGateway, type TestGatewayOptions } from '../test-gateway.ts';

/** Another value of a live setting, and what it makes different. */
export interface LiveChange {
  /** As an operator writes it. */
  readonly to: string;
  /** Asked before, after, and when the value is the first one again: the same then, and something else in between. */
  seen(gateway: TestGateway): unknown;
}

export interface LiveSettingsRig {
  readonly plugin: GatewayPlugin;
  /** Names and values of the start. */
  readonly env: Readonly<Record<string, string>>;
  /** By the name of the setting: each that is `live`. */
  readonly changes: Readonly<Record<string, LiveChange>>;
  /** Names and values that `check` refuses. */
  readonly refused?: Readonly<Record<string, string>>;
  /** A client that gets in, whose tunnel has to outlive all changes. Default: alice, whom the gateway itself knows. */
  readonly client?: TestDial;
  readonly gateway?: Omit<TestGatewayOptions, 'plugins' | 'env'>;
  teardown?(): Promise<void>;
}

/** What a plug-in with settings that are `live` must do when they change. `setup` makes a rig for each check. */
export const liveSettingsContract = (name: string, setup: () => Promise<LiveSettingsRig>): ContractSuite => {
  const using = (work: (rig: LiveSettingsRig, gateway: TestGateway) => Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      const gateway = await TestGateway.start({ ...rig.gateway, plugins: [rig.plugin], env: rig.env });
      await work(rig, gateway);
      await gateway.stop();
    } finally {
      await rig.teardown?.();
    }
  };

  return suite(`live settings: ${name}`, {
    'says of each what it changes': using(async ({ plugin, changes }) => {
      const live = liveOf(plugin);
      given(live.length > 0, 'no setting is live');
      same(Object.keys(changes).toSorted(), live.toSorted(), '`changes` must have each live setting, and no other');
    }),

    'brings each into force, and the first value again': using(async ({ plugin, env, changes }, gateway) => {
      for (const [setting, { to, seen }] of Object.entries(changes)) {
        const variable = settingEnv(plugin.name, setting);
        const before = await seen(gateway);
        const { changed } = await gateway.reload({ [variable]: to });
        same(changed, [`${plugin.name}.${setting}`], `${setting} did not change when it was given another value`);
        const after = await seen(gateway);
        given(JSON.stringify(after) !== JSON.stringify(before), `${setting} is "live", and changes nothing`);
        await gateway.reload({ [variable]: env[variable] });
        same(await seen(gateway), before, `${setting} has its first value again, and something is different still`);
      }
    }),

    'ends no tunnel by it': using(async ({ plugin, changes, client }, gateway) => {
      const tunnel = await gateway.connect(client);
      for (const [setting, { to }] of Object.entries(changes)) {
        await gateway.reload({ [settingEnv(plugin.name, setting)]: to });
        given(await gateway.ping(tunnel), `a tunnel did not outlive a change of ${setting}`);
      }
      const failed = gateway.log.lines.find(({ event }) => event === 'plugin.settings-failed');
      given(failed === undefined, 'it threw when it was told of a change: see onChange');
    }),

    'has nothing changed where it refuses something': using(async ({ refused, changes }, gateway) => {
      if (refused === undefined) return;
      const looks = Object.values(changes);
      const before: unknown[] = [];
      for (const { seen } of looks) before.push(await seen(gateway));
      const refusal = await gateway.reload(refused).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      given(refusal instanceof Error, 'what `refused` says was not refused');
      const after: unknown[] = [];
      for (const { seen } of looks) after.push(await seen(gateway));
      same(after, before, 'a setting changed though the settings were refused');
    }),
  });
};

const liveOf = ({ settings }: GatewayPlugin): readonly string[] =>
  Object.entries<Setting<unknown>>({ ...settings }).flatMap(([name, { live }]) => (live === true ? [name] : []));
