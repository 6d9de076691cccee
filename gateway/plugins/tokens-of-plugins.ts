import type { ServiceIdentifier } from 'inversify';
import { TOKENS } from '../../core/tokens.ts';

/** Of these there is one in a gateway: an operator's plug-in that brings one takes the place of what is built in. */
export const ONE_OF: ReadonlySet<ServiceIdentifier> = new Set<ServiceIdentifier>([
  TOKENS.AddressPool,
  TOKENS.Control,
  TOKENS.MppeKernel,
  TOKENS.GreSocket,
  TOKENS.Tun,
  TOKENS.HostRoutes,
]);

/** Without these there is no gateway. */
export const REQUIRED: readonly ServiceIdentifier[] = [TOKENS.Tun, TOKENS.GreSocket, TOKENS.Control];

/** These the gateway gives: they can be asked for and not be bound. */
export const GIVEN_BY_GATEWAY: ReadonlySet<ServiceIdentifier> = new Set<ServiceIdentifier>([
  TOKENS.Clock,
  TOKENS.WallClock,
  TOKENS.Random,
  TOKENS.Log,
  TOKENS.Telemetry,
  TOKENS.CallIds,
  TOKENS.SessionLookup,
  TOKENS.Wakeups,
  TOKENS.ControlFrames,
  TOKENS.Sessions,
  TOKENS.Fleet,
  TOKENS.StateDir,
]);

const NAMES: ReadonlyMap<ServiceIdentifier, string> = new Map(
  Object.entries(TOKENS).map(([name, token]): [ServiceIdentifier, string] => [token, name]),
);

/** A token of the gateway, not a plug-in's own. */
export const isGatewayToken = (token: ServiceIdentifier): boolean => NAMES.has(token);

/** `Authenticator` for TOKENS.Authenticator; of a plug-in's own token what it says of itself. */
export const tokenName = (token: ServiceIdentifier): string => {
  const known = NAMES.get(token);
  if (known !== undefined) return known;
  if (typeof token === 'symbol') return token.description ?? 'a symbol';
  return typeof token === 'function' ? token.name : String(token);
};
