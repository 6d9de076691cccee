import { equalBytes } from '../../../core/bytes/bytes.ts';
import { sessionId } from '../../../core/ports/ids.ts';
import type { ProfileChange, RateLimits, UserProfile } from '../../../core/ports/profile.ts';
import type { SessionQuery } from '../../../core/ports/session-directory.ts';
import { readAccept } from '../auth/access-accept.ts';
import {
  ATTRIBUTE,
  type Attribute,
  type AttributeType,
  attributeName,
  CODE,
  firstOf,
  has,
  type RadiusPacket,
  valuesOf,
} from '../wire/index.ts';
import { ERROR_CAUSE, type ErrorCause } from './error-cause.ts';

/** RFC 5176 section 3: which gateway is meant. */
const NAS_TYPES: readonly AttributeType<unknown>[] = [
  ATTRIBUTE.nasIpAddress,
  ATTRIBUTE.nasIdentifier,
  ATTRIBUTE.nasIpv6Address,
];
/** Which session; those that accounting says of it, too. */
const SESSION_TYPES: readonly AttributeType<unknown>[] = [
  ATTRIBUTE.userName,
  ATTRIBUTE.nasPort,
  ATTRIBUTE.framedIpAddress,
  ATTRIBUTE.calledStationId,
  ATTRIBUTE.callingStationId,
  ATTRIBUTE.acctSessionId,
  ATTRIBUTE.acctMultiSessionId,
  ATTRIBUTE.nasPortId,
  ATTRIBUTE.framedIpv6Prefix,
];
/** About the packet itself. */
const PACKET_TYPES: readonly AttributeType<unknown>[] = [
  ATTRIBUTE.proxyState,
  ATTRIBUTE.eventTimestamp,
  ATTRIBUTE.messageAuthenticator,
];
/** What a CoA-Request may change. */
export const CHANGE_TYPES: readonly AttributeType<unknown>[] = [
  ATTRIBUTE.sessionTimeout,
  ATTRIBUTE.idleTimeout,
  ATTRIBUTE.acctInterimInterval,
  ATTRIBUTE.class,
  ATTRIBUTE.filterId,
  ATTRIBUTE.wisprBandwidthMaxUp,
  ATTRIBUTE.wisprBandwidthMaxDown,
  ATTRIBUTE.mikrotikRateLimit,
];

const isOneOf = (types: readonly AttributeType<unknown>[], { vendor, type }: Attribute): boolean =>
  types.some((one) => one.vendor === vendor && one.type === type);

/** A request that can be carried out, if there is such a session. */
export interface ReadRequest {
  readonly kind: 'disconnect' | 'change';
  /** Finds the session and perhaps others; `session` decides. */
  readonly query: SessionQuery;
  /** All of these must be said of the session, and of the gateway. */
  readonly session: readonly Attribute[];
  readonly nas: readonly Attribute[];
  /** What is to be changed, for a profile as it is now. */
  change(now: UserProfile): ProfileChange;
}

export type Reading =
  | { readonly ok: true; readonly request: ReadRequest }
  | { readonly ok: false; readonly cause: ErrorCause; readonly detail: string };

const no = (cause: ErrorCause, detail: string): Reading => ({ ok: false, cause, detail });

/** What a Disconnect-Request or CoA-Request wants, or why it cannot have it (RFC 5176 section 3). Total. */
export const readRequest = ({ code, attributes }: RadiusPacket): Reading => {
  const kind = code === CODE.disconnectRequest ? 'disconnect' : 'change';
  const rest = attributes.filter((one) => !isOneOf(PACKET_TYPES, one));
  const nas = rest.filter((one) => isOneOf(NAS_TYPES, one));
  const session = rest.filter((one) => isOneOf(SESSION_TYPES, one));
  const wanted = rest.filter((one) => !isOneOf(NAS_TYPES, one) && !isOneOf(SESSION_TYPES, one));
  if (kind === 'change' && has(wanted, ATTRIBUTE.serviceType)) {
    return no(ERROR_CAUSE.unsupportedService, 'Service-Type cannot be changed, nor asked about');
  }
  const stranger = wanted.find((one) => kind === 'disconnect' || !isOneOf(CHANGE_TYPES, one));
  if (stranger !== undefined) {
    return no(ERROR_CAUSE.unsupportedAttribute, `${attributeName(stranger)} is not supported here`);
  }
  if (session.length === 0) return no(ERROR_CAUSE.missingAttribute, 'nothing names a session');
  const twice = [...session, ...nas].find((one, at, all) => all.some((other, i) => i < at && other.type === one.type));
  if (twice !== undefined) return no(ERROR_CAUSE.invalidRequest, `${attributeName(twice)} is there twice`);
  const query = queryOf(session);
  if (query === undefined) return no(ERROR_CAUSE.invalidValue, 'Framed-IP-Address is no address');
  if (kind === 'disconnect') return { ok: true, request: { kind, query, session, nas, change: () => ({}) } };
  return readChange(query, session, nas, wanted);
};

const readChange = (
  query: SessionQuery,
  session: readonly Attribute[],
  nas: readonly Attribute[],
  wanted: readonly Attribute[],
): Reading => {
  if (wanted.length === 0) return no(ERROR_CAUSE.missingAttribute, 'nothing is to be changed');
  const { profile, refusals, notes } = readAccept(wanted);
  const [why] = [...refusals, ...notes.map((note) => `${note.name}: ${note.why}`)];
  if (why !== undefined) return no(ERROR_CAUSE.invalidValue, why);
  const change = (now: UserProfile): ProfileChange => changeOf(profile, wanted, now);
  return { ok: true, request: { kind: 'change', query, session, nas, change } };
};

const queryOf = (session: readonly Attribute[]): SessionQuery | undefined => {
  const id = firstOf(session, ATTRIBUTE.acctSessionId);
  const identity = firstOf(session, ATTRIBUTE.userName);
  const address = firstOf(session, ATTRIBUTE.framedIpAddress);
  if (address === undefined && has(session, ATTRIBUTE.framedIpAddress)) return undefined;
  return {
    ...(id === undefined ? {} : { id: sessionId(id) }),
    ...(identity === undefined ? {} : { identity }),
    ...(address === undefined ? {} : { address }),
  };
};

const changeOf = (wanted: UserProfile, attributes: readonly Attribute[], now: UserProfile): ProfileChange => {
  const { sessionSeconds, idleSeconds, interimSeconds, classes, filter } = wanted;
  const rate = rateOf(wanted.rate, attributes, now.rate);
  return {
    ...(sessionSeconds === undefined ? {} : { sessionSeconds }),
    ...(idleSeconds === undefined ? {} : { idleSeconds }),
    ...(interimSeconds === undefined ? {} : { interimSeconds }),
    ...(classes === undefined ? {} : { classes }),
    ...(filter === undefined ? {} : { filter }),
    ...(rate === undefined ? {} : { rate }),
  };
};

const isRate = (filter: string): boolean => filter.startsWith('rate=');

/** WISPr says one direction each; the other one stays as it is. */
const rateOf = (
  wanted: RateLimits | undefined,
  attributes: readonly Attribute[],
  now: RateLimits | undefined,
): RateLimits | undefined => {
  const both =
    has(attributes, ATTRIBUTE.mikrotikRateLimit) || valuesOf(attributes, ATTRIBUTE.filterId).some((one) => isRate(one));
  const upward = has(attributes, ATTRIBUTE.wisprBandwidthMaxUp);
  const downward = has(attributes, ATTRIBUTE.wisprBandwidthMaxDown);
  if (!both && !upward && !downward) return undefined;
  const up = both || upward ? wanted?.up : now?.up;
  const down = both || downward ? wanted?.down : now?.down;
  return { ...(up === undefined ? {} : { up }), ...(down === undefined ? {} : { down }) };
};

/** All that the request says is also said in `known`. */
export const agrees = (wanted: readonly Attribute[], known: readonly Attribute[]): boolean =>
  wanted.every((one) =>
    known.some(({ vendor, type, value }) => vendor === one.vendor && type === one.type && equalBytes(value, one.value)),
  );
