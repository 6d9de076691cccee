import { type BindToFluentSyntax, type Container, ContainerModule, type ServiceIdentifier } from 'inversify';
import type { Log } from '../../core/ports/log.ts';
import { TOKENS } from '../../core/tokens.ts';
import type { LoadedPlugin } from '../plugin-loader.ts';
import { attributed, type Need, watchBinding } from './attribution.ts';
import { orderPlugins } from './load-order.ts';
import { pluginError } from './plugin-error.ts';
import { fullName } from './plugin-source.ts';
import { GIVEN_BY_GATEWAY, isGatewayToken, ONE_OF, REQUIRED, tokenName } from './tokens-of-plugins.ts';

/** One binding of a plug-in. */
export interface Claim {
  readonly plugin: LoadedPlugin;
  readonly token: ServiceIdentifier;
  /** The plug-in that has its place. */
  replacedBy?: LoadedPlugin;
}

/** What plug-ins have bound, in the order in which they did: the order of asking. */
export interface Claims {
  readonly plugins: readonly LoadedPlugin[];
  readonly claims: readonly Claim[];
  readonly needs: readonly Need[];
}

/** Of the objects of a token, in their order: which are of operators' plug-ins. */
export type Brought = (token: ServiceIdentifier) => readonly boolean[];

export const broughtBy =
  ({ claims }: Claims): Brought =>
  (token) =>
    claims
      .filter((claim) => claim.token === token && claim.replacedBy === undefined)
      .map(({ plugin }) => !isBuiltIn(plugin));

type Bind = <T>(token: ServiceIdentifier<T>) => BindToFluentSyntax<T>;

const isBuiltIn = ({ source }: LoadedPlugin): boolean => source.kind === 'built-in';
const named = ({ name, source }: LoadedPlugin): string => fullName(name, source);

/**
 * Lets plug-ins register in a container that has the gateway's own services. Of what there is one of in a gateway, the
 * operator's plug-in takes the place of what is built in. Throws PLUGIN_INVALID, with the packages that are concerned.
 */
export function bindPlugins(container: Container, plugins: readonly LoadedPlugin[], log: Log): Claims {
  const registration = new Registration(container, log);
  const ordered = orderPlugins(plugins);
  for (const plugin of ordered) registration.register(plugin);
  return { plugins: ordered, claims: registration.claims, needs: registration.needs };
}

/** What plug-ins bind, watched. */
export class Registration {
  readonly claims: Claim[] = [];
  readonly needs: Need[] = [];
  private readonly container: Container;
  private readonly log: Log;

  constructor(container: Container, log: Log) {
    this.container = container;
    this.log = log;
  }

  register(plugin: LoadedPlugin): void {
    const module = new ContainerModule(({ bind, isBound }) => {
      const watched: Bind = (token) => this.bind(plugin, token, bind);
      const register = (): unknown => plugin.register({ bind: watched, isBound });
      const result = isBuiltIn(plugin) ? register() : attributed(named(plugin), 'its "register" failed', register);
      if (!(result instanceof Promise)) return;
      result.catch(() => undefined);
      throw pluginError(
        named(plugin),
        'its "register" must not be async: what takes time belongs into Lifecycle.start',
      );
    });
    this.container.load(module);
  }

  private bind<T>(plugin: LoadedPlugin, token: ServiceIdentifier<T>, bind: Bind): BindToFluentSyntax<T> {
    if (!isToken(token)) {
      throw pluginError(named(plugin), `it binds ${String(token)}, which is no token: is the name of the token right?`);
    }
    if (GIVEN_BY_GATEWAY.has(token)) {
      throw pluginError(named(plugin), `it binds ${tokenName(token)}, which the gateway gives and nobody can replace`);
    }
    const claim: Claim = { plugin, token };
    const place = ONE_OF.has(token) ? this.placeOf(claim, token) : token;
    this.claims.push(claim);
    const syntax = bind(place);
    return isBuiltIn(plugin) ? syntax : watchBinding(syntax, named(plugin), tokenName(token), this.needs);
  }

  /** Where a binding goes of which there is one. */
  private placeOf<T>(claim: Claim, token: ServiceIdentifier<T>): ServiceIdentifier<T> {
    const { plugin } = claim;
    const before = this.claims.find((one) => one.token === token && one.replacedBy === undefined);
    if (before !== undefined && isBuiltIn(before.plugin) === isBuiltIn(plugin)) {
      throw rivals(before.plugin, plugin, tokenName(token));
    }
    if (before !== undefined && isBuiltIn(plugin)) {
      claim.replacedBy = before.plugin;
      this.tell(before.plugin, plugin, token);
      // Nobody asks for it there, so nothing is made of it.
      return Symbol(`replaced ${tokenName(token)}`);
    }
    if (before !== undefined) before.replacedBy = plugin;
    if (this.container.isBound(token)) {
      this.container.unbind(token);
      this.tell(plugin, before?.plugin, token);
    }
    return token;
  }

  private tell(plugin: LoadedPlugin, instead: LoadedPlugin | undefined, token: ServiceIdentifier): void {
    const place = instead === undefined ? "the gateway's own" : named(instead);
    const fields = { plugin: plugin.name, token: tokenName(token), ...(instead && { instead: instead.name }) };
    this.log.info('plugin.replaces', `${named(plugin)} brings ${tokenName(token)} in place of ${place}`, fields);
  }
}

const isToken = (token: unknown): boolean =>
  typeof token === 'symbol' || typeof token === 'function' || (typeof token === 'string' && token !== '');

const rivals = (first: LoadedPlugin, second: LoadedPlugin, token: string): Error =>
  first === second
    ? pluginError(named(first), `it binds ${token} twice, of which there is one in a gateway`)
    : pluginError(
        `${named(first)} and ${named(second)}`,
        `both bind ${token}, of which there is one in a gateway: leave one of them out of PPTP_PLUGINS`,
      );

/**
 * Whether everything is there that plug-ins want to be given, and that a gateway cannot be without; makes what operators' plug-ins
 * bound to the gateway's tokens, so that what throws has a name. To be asked when everything is bound.
 */
export function checkBindings(container: Container, { plugins, claims, needs }: Claims): void {
  for (const token of REQUIRED) {
    if (container.isBound(token)) continue;
    const names = plugins.map(({ name }) => name).join(', ');
    throw pluginError(
      names === '' ? '(there is none)' : names,
      `none of them binds ${tokenName(token)}, which a gateway needs`,
    );
  }
  for (const { who, token } of needs) {
    if (container.isBound(token)) continue;
    throw pluginError(who, `it needs ${tokenName(token)}, which nobody binds: load the plug-in that does, too`);
  }
  const operators = claims.filter(({ plugin, replacedBy }) => !isBuiltIn(plugin) && replacedBy === undefined);
  for (const token of new Set(operators.map((claim) => claim.token))) {
    if (!isGatewayToken(token)) continue;
    const owners = new Set(operators.filter((claim) => claim.token === token).map(({ plugin }) => named(plugin)));
    attributed([...owners].join(', '), `making its ${tokenName(token)} failed`, () => container.getAll(token));
  }
  for (const token of [TOKENS.AuthMethod, TOKENS.EapMethod]) checkNames(container, claims, token);
}

/** Two methods of one name: which of them a configuration means, nobody could say. */
function checkNames(
  container: Container,
  claims: readonly Claim[],
  token: ServiceIdentifier<{ readonly name: string }>,
) {
  if (!container.isBound(token)) return;
  const owners = claims.filter((claim) => claim.token === token);
  const seen = new Map<string, string>();
  for (const [at, { name }] of container.getAll(token).entries()) {
    const claim = owners[at];
    const owner = claim === undefined ? 'somebody' : named(claim.plugin);
    const other = seen.get(name);
    seen.set(name, owner);
    if (other === undefined) continue;
    throw pluginError(`${other} and ${owner}`, `both bring the ${tokenName(token)} "${name}": leave one of them out`);
  }
}
