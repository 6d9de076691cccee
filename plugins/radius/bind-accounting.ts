import { join } from 'node:path';
import type { ServiceIdentifier } from 'inversify';
import type { LiveOptions } from '../../core/ports/live-options.ts';
import type { PluginBindings } from '../../core/ports/plugin.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import { TOKENS } from '../../core/tokens.ts';
import { Accounting, type AccountingSettings, factAttributes, type ProvenByRadius } from './accounting/index.ts';
import { PROVEN } from './bind-auth.ts';
import { LiveRadiusClient, type OpenDatagramSocket } from './client/index.ts';
import { type CoaOptions, CoaServer, CoaService, type CoaSettings } from './coa/index.ts';
import { callAttributes, gatewayAttributes, type NasOptions } from './nas.ts';
import { accountingServers, clientOptions, nasOptions, type ServerOptions } from './settings.ts';
import type { Attribute } from './wire/index.ts';

type Bind = PluginBindings['bind'];

const ACCOUNTING = Symbol('radius accounting') as ServiceIdentifier<Accounting>;
const CLIENT = Symbol('radius client for accounting') as ServiceIdentifier<LiveRadiusClient>;
const MEGABYTE = 1 << 20;

/** What accounting says of a session, and what a CoA-Request must agree with. */
const attributesOf =
  (nas: NasOptions, proven: ProvenByRadius) =>
  (facts: SessionFacts): readonly Attribute[] => [
    ...callAttributes(nas, facts),
    ...factAttributes(facts, proven.has(facts.id)),
  ];

/** Binds the sink; nothing without servers for it. */
export function bindAccounting(
  bind: Bind,
  live: LiveOptions<ServerOptions & AccountingSettings>,
  open?: OpenDatagramSocket,
): void {
  const options = live.current;
  if (!options.accounting || accountingServers(options).length === 0) return;
  const wanted = (now: ServerOptions) => clientOptions('accounting', accountingServers(now), now);
  const nas = nasOptions(options);
  bind(CLIENT).toResolvedValue(
    (clock, random, log, telemetry) => {
      const deps = { clock, random, log, telemetry, ...(open === undefined ? {} : { open }) };
      const client = new LiveRadiusClient(wanted(live.current), deps);
      live.onChange((now) => client.use(wanted(now)));
      return client;
    },
    [TOKENS.Clock, TOKENS.Random, TOKENS.Log, TOKENS.Telemetry],
  );
  bind(ACCOUNTING).toResolvedValue(
    (client, clock, wall, log, telemetry, fleet, proven, stateDir) => {
      const accounting = new Accounting(
        {
          folder: options.spoolDir ?? join(stateDir, 'radius'),
          limit: options.spoolMegabytes * MEGABYTE,
          onOff: options.accountingOnOff,
        },
        {
          client,
          clock,
          wall,
          log,
          telemetry,
          fleet,
          sessionAttributes: attributesOf(nas, proven),
          gatewayAttributes: () => gatewayAttributes(nas),
          ended: (id) => proven.forget(id),
        },
      );
      // Registered behind that of the client, which has the new servers by then.
      live.onChange(() => accounting.hurry());
      return accounting;
    },
    [CLIENT, TOKENS.Clock, TOKENS.WallClock, TOKENS.Log, TOKENS.Telemetry, TOKENS.Fleet, PROVEN, TOKENS.StateDir],
  );
  bind(TOKENS.AccountingSink).toResolvedValue((accounting) => accounting.sink, [ACCOUNTING]);
  bind(TOKENS.Lifecycle).toResolvedValue(
    ({ lifecycle }, client) => ({
      name: lifecycle.name,
      handOver: lifecycle.handOver,
      start: (signal) => lifecycle.start(signal),
      stop: async () => {
        await lifecycle.stop();
        client.close();
      },
    }),
    [ACCOUNTING, CLIENT],
  );
}

/** Opens the port for CoA and Disconnect in the first worker; nothing without clients. */
export function bindCoa(bind: Bind, live: LiveOptions<ServerOptions & CoaSettings>): void {
  const options = live.current;
  const { coaListen: address, coaPort: port } = options;
  if (options.coaClients.length === 0) return;
  const nas = nasOptions(options);
  // Rates and filters may be changed.
  bind(TOKENS.TrafficNeed).toConstantValue('radius-coa');
  bind(TOKENS.Lifecycle).toResolvedValue(
    (sessions, clock, wall, log, telemetry, fleet, proven) => {
      const sessionAttributes = attributesOf(nas, proven);
      const service = new CoaService(coaRules(live), { sessions, clock, wall, log, telemetry, sessionAttributes });
      const server = new CoaServer({ address, port }, service, log, clock);
      return fleet.index === 0 ? server : { ...NOT_HERE, name: server.name };
    },
    [TOKENS.Sessions, TOKENS.Clock, TOKENS.WallClock, TOKENS.Log, TOKENS.Telemetry, TOKENS.Fleet, PROVEN],
  );
}

/** What CoA looks at for each request. */
export const coaRules = (live: LiveOptions<ServerOptions & CoaSettings>): CoaOptions => ({
  get clients() {
    return live.current.coaClients;
  },
  get secret() {
    return live.current.coaSecret ?? live.current.sharedSecret;
  },
  get requireMessageAuthenticator() {
    return live.current.coaRequireMessageAuthenticator;
  },
  get requireEventTimestamp() {
    return live.current.coaRequireTimestamp;
  },
});

const nothing = (): Promise<void> => Promise.resolve();
const NOT_HERE = { start: nothing, stop: nothing, handOver: {} };
