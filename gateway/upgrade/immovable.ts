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
  TOKENS.EapRelay,
  TOKENS.Authenticator,
  TOKENS.SessionPolicy,
  TOKENS.SessionListener,
  TOKENS.AccountingSink,
  TOKENS.TrafficNeed,
  // What they remember of guessers begins anew.
  TOKENS.Locks,
  TOKENS.MppeKernel,
  // Listeners, too.
  TOKENS.IpsecHook,
]);

export interface PluginParts {
  readonly listeners: readonly SessionListener[];
  /** Of all plug-ins, in the order in which they registered. */
  readonly lifecycles: readonly Lifecycle[];
}

/** Plug-ins that hold something of sessions, or of the host, that no other process can have; as sentences. */
export const immovable = ({ claims }: Claims, { listeners, lifecycles }: PluginParts): readonly string[] => {
  const found = new Map<string, Set<string>>();
  const going = goingOn(claims, lifecycles);
  for (const { plugin, token, replacedBy } of claims) {
    if (plugin.source.kind === 'built-in' || replacedBy !== undefined || SHARED.has(token) || isOwn(token)) continue;
    if (token === TOKENS.Lifecycle && going.beside.has(plugin)) continue;
    if (token === TOKENS.SecurityAssociations && going.handed.has(plugin)) continue;
    const name = fullName(plugin.name, plugin.source);
    found.set(name, (found.get(name) ?? new Set()).add(tokenName(token)));
  }
  const told = listeners
    .flatMap((one): readonly SessionListener[] => (one instanceof IpsecHooks ? one.hooks : [one]))
    .filter(({ restored }) => restored === undefined)
    .map(({ name }) => name);
  const names = lifecycles.filter(({ handOver }) => handOver !== undefined).map(({ name }) => name);
  const twice = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  return [
    ...twice.map(
      (name) => `Several parts of plug-ins are called ${name}, and which of them is which another process cannot know.`,
    ),
    ...[...found].map(([name, tokens]) => `The plug-in ${name} cannot be handed over (${[...tokens].join(', ')}).`),
    ...(told.length === 0
      ? []
      : [`${told.join(', ')} keeps count of sessions, and cannot be told of those that are up.`]),
  ];
};

/** Plug-ins whose every part that is started goes on in another process, and those of which that is so because it is handed over. */
const goingOn = (
  claims: Claims['claims'],
  lifecycles: readonly Lifecycle[],
): { readonly beside: ReadonlySet<LoadedPlugin>; readonly handed: ReadonlySet<LoadedPlugin> } => {
  const owners = claims.filter(({ token }) => token === TOKENS.Lifecycle).map(({ plugin }) => plugin);
  if (owners.length !== lifecycles.length) return { beside: new Set(), handed: new Set() };
  const without = (goes: (part: Lifecycle | undefined) => boolean): ReadonlySet<LoadedPlugin> => {
    const stays = new Set(owners.filter((_plugin, at) => !goes(lifecycles[at])));
    return new Set(owners.filter((plugin) => !stays.has(plugin)));
  };
  return {
    beside: without((part) => part?.runsBeside === true || part?.handOver !== undefined),
    handed: without((part) => part?.handOver !== undefined),
  };
};

/** Tokens of plug-ins among themselves. */
const isOwn = (token: ServiceIdentifier): boolean => !Object.values(TOKENS).some((known) => known === token);
