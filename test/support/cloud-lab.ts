import { loadConfig } from '../../config/load.ts';
import type { Log } from '../../core/ports/log.ts';
import { definePlugin, PLUGIN_API, type PluginBindings } from '../../core/ports/plugin.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { TOKENS } from '../../core/tokens.ts';
import { createGateway } from '../../gateway/bootstrap.ts';
import { gatewayOptions } from '../../gateway/options.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { msChapV2Method, msChapV2Plugin } from '../../plugins/auth-ms-chap-v2/index.ts';
import { MemoryTunDevice, memoryGrePair } from '../../plugins/io-memory/index.ts';
import { LOCAL, PEER } from './batches.ts';
import { ClientCloud } from './client-cloud.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryUsers } from './memory-users.ts';
import { ObedientControl } from './obedient-control.ts';

export interface CloudLabOptions {
  /** PPTP_POOL. */
  readonly pool: string;
  /** Clients that set up at a time: they do not repeat themselves, and the device has room for no more. */
  readonly together: number;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly random: RandomSource;
  /** What the gateway has besides. */
  readonly bind?: (bindings: PluginBindings) => void;
}

/** A whole gateway on devices in memory, without control connections, and very many clients of the user alice. */
export const cloudLab = async ({ pool, together, log, telemetry, random, bind: more }: CloudLabOptions) => {
  const clock = new FakeClock();
  const [gre, far] = memoryGrePair(LOCAL, PEER, { defer: clock.defer, capacity: 16 * together });
  let control = new ObedientControl();
  const plugin = definePlugin({
    name: 'cloud',
    api: PLUGIN_API,
    register(bindings) {
      const { bind } = bindings;
      bind(TOKENS.Tun).toConstantValue(new MemoryTunDevice({ defer: clock.defer }));
      bind(TOKENS.GreSocket).toConstantValue(gre);
      bind(TOKENS.Authenticator).toConstantValue(new MemoryUsers({ alice: { password: 'wonderland' } }));
      bind(TOKENS.Control).toResolvedValue(
        (callIds) => {
          control = new ObedientControl(callIds);
          return control;
        },
        [TOKENS.CallIds],
      );
      more?.(bindings);
    },
  });
  const loaded = loadConfig({ env: { PPTP_POOL: pool } });
  const options = gatewayOptions(loaded.config);
  const plugins = [withOptions(msChapV2Plugin, { maxAttempts: 3 }), withOptions(plugin, undefined)];
  const gateway = createGateway({ clock, random, log, telemetry }, options, plugins);
  await gateway.start(() => undefined);
  await far.start(new AbortController().signal);
  const { role: _, ...link } = options.session.link;
  const cloud = new ClientCloud(far, () => clock.now(), {
    ...link,
    role: 'client',
    authMethods: [msChapV2Method()],
    localName: 'alice',
    password: 'wonderland',
    random,
  });
  return { clock, loaded, gateway, control, far, cloud };
};
