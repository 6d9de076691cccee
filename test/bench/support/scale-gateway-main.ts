// A gateway as `pptp-gateway` runs it (its control port, log, journal, user file), but for the devices: GRE packets come
// over descriptor 4, and there is no TUN device. Started by bench scale; it asks with messages, the answers are numbers.
import 'reflect-metadata';
import { Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadConfig } from '../../../config/load.ts';
import { definePlugin, PLUGIN_API } from '../../../core/ports/plugin.ts';
import { TOKENS } from '../../../core/tokens.ts';
import { journalNumbers } from '../../../gateway/admin/journal-numbers.ts';
import { createGateway } from '../../../gateway/bootstrap.ts';
import { builtinPlugins } from '../../../gateway/builtin-plugins.ts';
import { gatewayOptions } from '../../../gateway/options.ts';
import { withOptions } from '../../../gateway/plugin-loader.ts';
import { systemClock, systemRandom } from '../../../gateway/system-clock.ts';
import { Journal } from '../../../observability/journal/journal.ts';
import { JournalLog } from '../../../observability/journal/journal-log.ts';
import { JournalTelemetry } from '../../../observability/journal/journal-telemetry.ts';
import { createLog } from '../../../observability/logger.ts';
import { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';
import { createUserNames } from '../../../observability/user-names.ts';
import { MemoryTunDevice } from '../../../plugins/io-memory/index.ts';
import { GreStream } from './gre-stream.ts';
import { heldOctets } from './held-octets.ts';

const { config } = loadConfig({ env: process.env });
const userNames = createUserNames(config.telemetry.userNames, config.telemetry.hashKey);
const log = createLog({ level: config.log.level, format: 'json', userNames });
const journal = new Journal(systemClock.now);
const telemetry = new OpenTelemetryTelemetry({ log, userNames, now: systemClock.now });
const devices = definePlugin({
  name: 'bench-devices',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.Tun).toConstantValue(new MemoryTunDevice());
    bind(TOKENS.GreSocket).toConstantValue(new GreStream(new Socket({ fd: 4 })));
  },
});
const DEVICES: ReadonlySet<string> = new Set(['io-tun-linux', 'io-raw-gre', 'io-batch-gre', 'host-network-linux']);
const gateway = createGateway(
  {
    clock: systemClock,
    random: systemRandom,
    log: new JournalLog(log, journal),
    telemetry: new JournalTelemetry(telemetry, journal),
  },
  gatewayOptions(config),
  [
    ...builtinPlugins(config, () => undefined).filter(({ name }) => !DEVICES.has(name)),
    withOptions(devices, undefined),
  ],
);
gateway.onTunnelEnd(({ view }) => journal.numbers(view.session.id, journalNumbers(view)));
/** Runs from `reset` on: it wakes up 200 times a second, which would be a good part of what idle tunnels cost. */
const delay = monitorEventLoopDelay({ resolution: 5 });

const numbers = (collect: boolean) => {
  const held = collect ? heldOctets() : 0;
  const { user, system } = process.cpuUsage();
  return {
    held,
    resident: process.memoryUsage.rss(),
    cpuMs: (user + system) / 1000,
    tunnels: gateway.tunnels().filter(({ upAt }) => upAt !== undefined).length,
    delayMaxMs: delay.max / 1e6,
    delayP99Ms: delay.percentile(99) / 1e6,
  };
};

process.on('message', (question: unknown) => {
  if (question === 'reset') {
    delay.enable();
    delay.reset();
  }
  process.send?.(question === 'reset' ? {} : numbers(question === 'collect'));
});
process.once('disconnect', () => process.exit(0));
await gateway.start((device, cause) => {
  console.error(`the device ${device} died: ${String(cause)}`);
  process.exit(1);
});
process.send?.({ ready: true });
