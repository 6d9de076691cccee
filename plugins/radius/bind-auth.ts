import type { ServiceIdentifier } from 'inversify';
import type { LiveOptions } from '../../core/ports/live-options.ts';
import type { PluginBindings } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { ProvenByRadius } from './accounting/proven-by-radius.ts';
import { Judgement, RadiusAuthenticator, type RadiusAuthenticatorOptions } from './auth/index.ts';
import { LiveRadiusClient, type OpenDatagramSocket } from './client/index.ts';
import { RadiusEapRelay } from './relay/index.ts';
import { clientOptions, nasOptions, type ServerOptions } from './settings.ts';

const CLIENT = Symbol('radius client for authentication') as ServiceIdentifier<LiveRadiusClient>;
const JUDGEMENT = Symbol('radius judgement') as ServiceIdentifier<Judgement>;

/** Whose proof a server has judged. Bound always. */
export const PROVEN = Symbol('proven by radius') as ServiceIdentifier<ProvenByRadius>;

type Bind = PluginBindings['bind'];

/**
 * Binds the back-end and the relay, which share one client; nothing where there are no servers for them. `open`: what makes
 * sockets, where it is not the platform.
 */
export function bindAuth(bind: Bind, live: LiveOptions<ServerOptions>, open?: OpenDatagramSocket): void {
  const options = live.current;
  bind(PROVEN).toResolvedValue(() => new ProvenByRadius());
  if (options.servers.length === 0) return;
  const rules = authRules(live);
  const wanted = (now: ServerOptions) => clientOptions('authentication', now.servers, now);
  bind(CLIENT).toResolvedValue(
    (clock, random, log, telemetry) => {
      const deps = { clock, random, log, telemetry, ...(open === undefined ? {} : { open }) };
      const client = new LiveRadiusClient(wanted(live.current), deps);
      live.onChange((now) => client.use(wanted(now)));
      return client;
    },
    [TOKENS.Clock, TOKENS.Random, TOKENS.Log, TOKENS.Telemetry],
  );
  bind(JUDGEMENT).toResolvedValue((log) => new Judgement(log), [TOKENS.Log]);
  bind(TOKENS.Lifecycle).toResolvedValue(
    (client, proven) => ({
      name: 'radius-client',
      handOver: {
        release: () => Promise.resolve(proven.snapshot()),
        takeOver: async (state) => proven.restore(state),
      },
      start: () => Promise.resolve(),
      stop: () => {
        client.close();
        return Promise.resolve();
      },
    }),
    [CLIENT, PROVEN],
  );
  // Profiles may have a rate, a filter or a quota.
  bind(TOKENS.TrafficNeed).toConstantValue('radius');
  if (options.methods.length > 0) {
    bind(TOKENS.Authenticator).toResolvedValue(
      (client, judgement, proven) => proven.authenticator(new RadiusAuthenticator(rules, { client, judgement })),
      [CLIENT, JUDGEMENT, PROVEN],
    );
  }
  if (options.eap) {
    bind(TOKENS.EapRelay).toResolvedValue(
      (client, judgement, proven) => proven.relay(new RadiusEapRelay(rules, { client, judgement })),
      [CLIENT, JUDGEMENT, PROVEN],
    );
  }
}

/** What the back-end and the relay look at for each question. The gateway keeps its name towards servers until it ends. */
export const authRules = (live: LiveOptions<ServerOptions>): RadiusAuthenticatorOptions => {
  const nas = nasOptions(live.current);
  return {
    nas,
    get kinds() {
      return live.current.methods;
    },
    get stripDomain() {
      return live.current.stripDomain;
    },
    get passRejected() {
      return live.current.onReject === 'next';
    },
  };
};
