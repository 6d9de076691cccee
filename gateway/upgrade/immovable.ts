import type { ServiceIdentifier } from 'inversify';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { TOKENS } from '../../core/tokens.ts';
import { IpsecHooks } from '../ipsec-hooks.ts';
import type { LoadedPlugin } from '../plugin-loader.ts';
import type { Claims } from '../plugins/bindings.ts';
import { fullName } from '../plugins/plugin-source.ts';
import { tokenName } from '../plugins/tokens-of-plugins.ts';

/** What may be there in two processes at a time, and keeps nothing of a session that is up but what it is told of. */
const SHARED: ReadonlySet<ServiceIdentifier> = new Set<ServiceIdentifier>([
  TOKENS.AuthMethod,
  TOKENS.EapMethod,
  TOKENS.Authenticator,
  TOKENS.SessionPolicy,
  TOKENS.SessionListener,
  TOKENS.AccountingSink,
  TOKENS.TrafficNeed,
  // What they remember of guessers begins anew.
  TOKENS.Locks,
  TOKENS.MppeKernel,
]);

const isGatewaysOwn = (listener: SessionListener): boolean =>
  listener instanceof IpsecHooks && listener.stages.length === 0;

export interface PluginParts {
  readonly listeners: readonly SessionListener[];
  /** Of all plug-ins, in the order in which they registered. */
  readonly lifecycles: readonly Lifecycle[];
}

/** Plug-ins that hold something of sessions, or of the host, that no other process can have; as sentences. */
export const immovable = ({ claims }: Claims, { listeners, lifecycles }: PluginParts): readonly string[] => {
  const found = new Map<string, Set<string>>();
  const beside = besideOthers(claims, lifecycles);
  for (const { plugin, token, replacedBy } of claims) {
    if (plugin.source.kind === 'built-in' || replacedBy !== undefined || SHARED.has(token) || isOwn(token)) continue;
    if (token === TOKENS.Lifecycle && beside.has(plugin)) continue;
    const name = fullName(plugin.name, plugin.source);
    found.set(name, (found.get(name) ?? new Set()).add(tokenName(token)));
  }
  const told = listeners.filter((one) => one.restored === undefined && !isGatewaysOwn(one)).map(({ name }) => name);
  return [
    ...[...found].map(([name, tokens]) => `The plug-in ${name} cannot be handed over (${[...tokens].join(', ')}).`),
    ...(told.length === 0
      ? []
      : [`${told.join(', ')} keeps count of sessions, and cannot be told of those that are up.`]),
  ];
};

/** Plug-ins whose every part that is started may be so in two processes. */
const besideOthers = (claims: Claims['claims'], lifecycles: readonly Lifecycle[]): ReadonlySet<LoadedPlugin> => {
  const owners = claims.filter(({ token }) => token === TOKENS.Lifecycle).map(({ plugin }) => plugin);
  if (owners.length !== lifecycles.length) return new Set();
  const held = new Set(owners.filter((_plugin, at) => lifecycles[at]?.runsBeside !== true));
  return new Set(owners.filter((plugin) => !held.has(plugin)));
};

/** Tokens of plug-ins among themselves. */
const isOwn = (token: ServiceIdentifier): boolean => !Object.values(TOKENS).some((known) => known === token);
