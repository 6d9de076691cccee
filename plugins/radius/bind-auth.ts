import type { ServiceIdentifier } from 'inversify';
import type { PluginBindings } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { ProvenByRadius } from './accounting/proven-by-radius.ts';
import { Judgement, RadiusAuthenticator } from './auth/index.ts';
import { type OpenDatagramSocket, RadiusClient } from './client/index.ts';
import { RadiusEapRelay } from './relay/index.ts';
import { clientOptions, nasOptions, type ServerOptions } from './settings.ts';

const CLIENT = Symbol('radius client for authentication') as ServiceIdentifier<RadiusClient>;
const JUDGEMENT = Symbol('radius judgement') as ServiceIdentifier<Judgement>;

/** Whose proof a server has judged. Bound always. */
export const PROVEN = Symbol('proven by radius') as ServiceIdentifier<ProvenByRadius>;

type Bind = PluginBindings['bind'];

/**
 * Binds the back-end and the relay, which share one client; nothing where there are no servers for them. `open`: what makes
 * sockets, where it is not the platform.
 */
export function bindAuth(bind: Bind, options: ServerOptions, open?: OpenDatagramSocket): void {
  bind(PROVEN).toResolvedValue(() => new ProvenByRadius());
  if (options.servers.length === 0) return;
  const nas = nasOptions(options);
  const passRejected = options.onReject === 'next';
  bind(CLIENT).toResolvedValue(
    (clock, random, log, telemetry) =>
      new RadiusClient(clientOptions('authentication', options.servers, options), {
        clock,
        random,
        log,
        telemetry,
        ...(open === undefined ? {} : { open }),
      }),
    [TOKENS.Clock, TOKENS.Random, TOKENS.Log, TOKENS.Telemetry],
  );
  bind(JUDGEMENT).toResolvedValue((log) => new Judgement(log), [TOKENS.Log]);
  bind(TOKENS.Lifecycle).toResolvedValue(
    (client) => ({
      name: 'radius-client',
      start: () => Promise.resolve(),
      stop: () => {
        client.close();
        return Promise.resolve();
      },
    }),
    [CLIENT],
  );
  // Profiles may have a rate, a filter or a quota.
  bind(TOKENS.TrafficNeed).toConstantValue('radius');
  if (options.methods.length > 0) {
    const { methods: kinds, stripDomain } = options;
    bind(TOKENS.Authenticator).toResolvedValue(
      (client, judgement, proven) =>
        proven.authenticator(new RadiusAuthenticator({ nas, kinds, stripDomain, passRejected }, { client, judgement })),
      [CLIENT, JUDGEMENT, PROVEN],
    );
  }
  if (options.eap) {
    bind(TOKENS.EapRelay).toResolvedValue(
      (client, judgement, proven) => proven.relay(new RadiusEapRelay({ nas, passRejected }, { client, judgement })),
      [CLIENT, JUDGEMENT, PROVEN],
    );
  }
}
