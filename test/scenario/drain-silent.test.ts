import { expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { createGateway } from '../../gateway/bootstrap.ts';
import { gatewayBody } from '../../gateway/life/gateway-body.ts';
import { gatewayOptions } from '../../gateway/options.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { msChapV2Method, msChapV2Plugin } from '../../plugins/auth-ms-chap-v2/index.ts';
import { MemoryTunDevice, memoryGrePair } from '../../plugins/io-memory/index.ts';
import { LOCAL, PEER } from '../support/batches.ts';
import { ClientCloud } from '../support/client-cloud.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { testLife } from '../support/life.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { MemoryTelemetry } from '../support/memory-telemetry.ts';
import { MemoryUsers } from '../support/memory-users.ts';
import { ObedientControl } from '../support/obedient-control.ts';
import { seededRandom } from '../support/seeded-random.ts';

const TUNNELS = 512;
/** At a time: these clients do not repeat themselves. */
const TOGETHER = 64;

it(`ends ${TUNNELS} tunnels whose peers are gone at the deadline of a drain, in turns, each with its accounting`, async () => {
  const clock = new FakeClock();
  const [gre, far] = memoryGrePair(LOCAL, PEER, { defer: clock.defer, capacity: 16 * TOGETHER });
  let control = new ObedientControl();
  const records: string[] = [];
  const plugin = definePlugin({
    name: 'memory',
    api: PLUGIN_API,
    register({ bind }) {
      bind(TOKENS.Tun).toConstantValue(new MemoryTunDevice({ defer: clock.defer }));
      bind(TOKENS.GreSocket).toConstantValue(gre);
      bind(TOKENS.Authenticator).toConstantValue(new MemoryUsers({ alice: { password: 'wonderland' } }));
      bind(TOKENS.AccountingSink).toConstantValue({
        name: 'memory',
        start: () => undefined,
        interim: () => undefined,
        stop: (_, { reason }) => void records.push(reason),
      });
      bind(TOKENS.Control).toResolvedValue(
        (callIds) => {
          control = new ObedientControl(callIds);
          return control;
        },
        [TOKENS.CallIds],
      );
    },
  });
  const log = new MemoryLog();
  const random = seededRandom(1);
  const loaded = loadConfig({ env: { PPTP_POOL: '10.96.0.0/16' } });
  const options = gatewayOptions(loaded.config);
  const plugins = [withOptions(msChapV2Plugin, { maxAttempts: 3 }), withOptions(plugin, undefined)];
  const gateway = createGateway({ clock, random, log, telemetry: new MemoryTelemetry() }, options, plugins);
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
  for (let id = 1; id <= TUNNELS; id += 1) {
    cloud.join(control.open(id, clock.now()));
    if (id % TOGETHER === 0) await clock.advance(100);
  }
  await clock.advance(1_000);
  expect([cloud.up, gateway.sessions()]).toEqual([TUNNELS, TUNNELS]);
  cloud.clear();
  const life = testLife({ clock, log, loaded, body: gatewayBody(gateway) });

  let over = false;
  void life.over.then(() => {
    over = true;
  });
  let frames = 0;
  far.batches$.subscribe((batch) => {
    frames += batch.count;
  });
  life.drain({ seconds: 1, stop: true }, 'SIGTERM', true);
  await clock.advance(999);
  expect([frames, gateway.sessions(), over]).toEqual([0, TUNNELS, false]);
  await clock.advance(1);
  // A turn's share of the Terminate-Requests, and no more.
  expect(frames).toBeLessThan(TUNNELS);
  await clock.advance(100);
  expect([frames, gateway.sessions(), over]).toEqual([TUNNELS, TUNNELS, false]);
  await clock.advance(2_000);
  expect(over).toBe(true);
  await gateway.stop();
  expect([gateway.sessions(), records.length, new Set(records)]).toEqual([0, TUNNELS, new Set(['shutdown'])]);
  expect([clock.pending, log.events('warn'), log.events('error')]).toEqual([0, [], []]);
});
