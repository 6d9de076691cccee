import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { CLEAR_REASONS } from '../../core/ports/control.ts';
import type { SessionId } from '../../core/ports/ids.ts';
import type { ProfileChange } from '../../core/ports/profile.ts';
import type { ChangeAnswer, FoundSession, SessionQuery } from '../../core/ports/session-directory.ts';
import type { SessionEnding } from '../../core/ports/session-facts.ts';
import { fitsProfile } from '../containment/answers.ts';
import { workerOfSession } from '../session/session-ids.ts';
import { type Check, isText, listOf, optional } from '../value-checks.ts';
import type { Ask } from './ask.ts';

export interface DisconnectOrder {
  readonly id: SessionId;
  readonly ending: SessionEnding;
}

export interface ChangeOrder {
  readonly id: SessionId;
  readonly change: ProfileChange;
}

/** Something that one worker tells the others. */
export interface FleetMessage {
  readonly topic: string;
  readonly message: unknown;
}

type Fields = ReadonlyMap<string, unknown>;

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isObject(value) ? new Map(Object.entries(value)) : new Map());

const isTruth = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isAddress: Check = (value) => typeof value === 'number' && value === ipv4(value);
const isId: Check = (value) => typeof value === 'string' && workerOfSession(value) !== undefined;

/** Every field that there is must be one of these, and be right. */
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isObject(value)) return false;
    const fields = fieldsOf(value);
    const known = [...fields.keys()].every((name) => Object.hasOwn(checks, name));
    return known && Object.entries(checks).every(([name, check]) => check(fields.get(name)));
  };

const isBits64 = shape({ high: isCount, low: isCount });
const isLimit = shape({
  bitsPerSecond: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
  burstOctets: optional(isCount),
});
const isClass: Check = (value) => value instanceof Uint8Array && value.length <= 253;

/** What may change while a session is up. */
const CHANGEABLE: Readonly<Record<string, Check>> = {
  rate: optional(shape({ up: optional(isLimit), down: optional(isLimit) })),
  filter: optional(isText),
  idleSeconds: optional(isCount),
  sessionSeconds: optional(isCount),
  quotaOctets: optional(isCount),
  interimSeconds: optional(isCount),
  classes: optional(listOf(isClass, 8)),
};

const isFacts = shape({
  id: isId,
  call: shape({ local: isAddress, peer: isAddress, localCallId: isCount, peerCallId: isCount }),
  peerName: isText,
  identity: isText,
  method: isText,
  address: optional(isAddress),
  ipv6Prefix: optional(isBits64),
  encryption: isText,
  // What is let in to a session must not make the question about all of them fail.
  profile: fitsProfile,
  startedAt: Number.isFinite,
  upAt: optional(Number.isFinite),
  traceId: isText,
});

const isFound = shape({
  facts: isFacts,
  usage: shape({ octetsIn: isCount, octetsOut: isCount, packetsIn: isCount, packetsOut: isCount }),
});

const reasons: readonly unknown[] = CLEAR_REASONS;
const isEnding = shape({ reason: (value) => reasons.includes(value), detail: isText });
const isQuery = shape({
  id: optional(isId),
  identity: optional(isText),
  address: optional(isAddress),
  peer: optional(isAddress),
});
const isOrder = shape({ id: isId, ending: isEnding });
const isChange = shape({ id: isId, change: shape(CHANGEABLE) });
const isRefusal = shape({
  ok: (value) => value === false,
  why: (value) => value === 'gone' || value === 'refused',
  detail: isText,
});
const isDone = shape({ ok: (value) => value === true });

const isFoundList = (value: unknown): value is readonly FoundSession[] => Array.isArray(value) && value.every(isFound);
const isSessionQuery = (value: unknown): value is SessionQuery => isQuery(value);
const isDisconnectOrder = (value: unknown): value is DisconnectOrder => isOrder(value);
const isChangeOrder = (value: unknown): value is ChangeOrder => isChange(value);
const isChangeAnswer = (value: unknown): value is ChangeAnswer => isDone(value) || isRefusal(value);
const isFleetMessage = (value: unknown): value is FleetMessage =>
  isObject(value) && isText(fieldsOf(value).get('topic')) && 'message' in value;

/** A worker to the supervisor: the sessions of all other workers; the supervisor to a worker: its own. */
export const FIND_SESSIONS: Ask<SessionQuery, readonly FoundSession[]> = {
  name: 'session.find',
  isBody: isSessionQuery,
  isAnswer: isFoundList,
};

/** For the worker that the session's id names. False: there is no such session. */
export const DISCONNECT_SESSION: Ask<DisconnectOrder, boolean> = {
  name: 'session.disconnect',
  isBody: isDisconnectOrder,
  isAnswer: isTruth,
};

/** For the worker that the session's id names. */
export const CHANGE_SESSION: Ask<ChangeOrder, ChangeAnswer> = {
  name: 'session.change',
  isBody: isChangeOrder,
  isAnswer: isChangeAnswer,
};

/** A worker to the supervisor: for all others; the supervisor to a worker: from another one. */
export const TELL_FLEET: Ask<FleetMessage, undefined> = {
  name: 'fleet.tell',
  isBody: isFleetMessage,
  isAnswer: (value): value is undefined => value === undefined,
};
