import { loadConfig } from '../../../config/load.ts';
import type { Log } from '../../../core/ports/log.ts';
import { definePlugin, PLUGIN_API } from '../../../core/ports/plugin.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import { TOKENS } from '../../../core/tokens.ts';
import { createGateway } from '../../../gateway/bootstrap.ts';
import { gatewayOptions } from '../../../gateway/options.ts';
import { withOptions } from '../../../gateway/plugin-loader.ts';
import { systemRandom } from '../../../gateway/system-clock.ts';
import { msChapV2Method, msChapV2Plugin } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { MemoryTunDevice, memoryGrePair } from '../../../plugins/io-memory/index.ts';
import { LOCAL, PEER } from '../../support/batches.ts';
import { ClientCloud } from '../../support/client-cloud.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryUsers } from '../../support/memory-users.ts';
import { ObedientControl } from '../../support/obedient-control.ts';
import { heldOctets } from './held-octets.ts';

/** At a time: the gateway's outbox has room for no more, and these clients do not repeat themselves. */
const TOGETHER = 100;

/**
 * The gateway's session, PPP link and data path of a tunnel, in octets, without the control connection: a whole gateway on
 * devices in memory, whose clients are thrown away before it is measured.
 */
export const memoryPerTunnel = async (tunnels: number, log: Log, telemetry: Telemetry): Promise<number> => {
  const clock = new FakeClock();
  const [gre, far] = memoryGrePair(LOCAL, PEER, { defer: clock.defer, capacity: 16 * TOGETHER });
  let control = new ObedientControl();
  const plugin = definePlugin({
    name: 'bench',
    api: PLUGIN_API,
    register({ bind }) {
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
    },
  });
  const options = gatewayOptions(loadConfig({ env: { PPTP_POOL: '10.96.0.0/16' } }).config);
  const plugins = [withOptions(msChapV2Plugin, { maxAttempts: 3 }), withOptions(plugin, undefined)];
  const gateway = createGateway({ clock, random: systemRandom, log, telemetry }, options, plugins);
  await gateway.start(() => undefined);
  await far.start(new AbortController().signal);
  const { role: _, ...link } = options.session.link;
  const cloud = new ClientCloud(far, () => clock.now(), {
    ...link,
    role: 'client',
    authMethods: [msChapV2Method()],
    localName: 'alice',
    password: 'wonderland',
    random: systemRandom,
  });
  const dial = async (first: number, last: number): Promise<void> => {
    for (let id = first; id <= last; id += 1) {
      cloud.join(control.open(id, clock.now()));
      if (id % TOGETHER === 0) await clock.advance(20);
    }
    await clock.advance(1_000);
    if (cloud.up !== last - first + 1) throw new Error(`${last - first + 1 - cloud.up} tunnels did not come up`);
    // What a tunnel needs for its set-up only is given up by then.
    cloud.clear();
    await clock.advance(4_000);
  };
  // The code and what is made once.
  await dial(1, TOGETHER);
  const before = heldOctets();
  await dial(TOGETHER + 1, TOGETHER + tunnels);
  const after = heldOctets();
  if (gateway.sessions() !== TOGETHER + tunnels) throw new Error('tunnels were lost');
  await gateway.stop();
  return (after - before) / tunnels;
};
