import type { AccountingRecord } from '../../../core/ports/accounting.ts';
import type { SessionEnding, SessionUsage } from '../../../core/ports/session-facts.ts';
import { ATTRIBUTE, type Attribute, attribute } from '../wire/index.ts';
import { TERMINATE_CAUSE, terminateCauseOf } from './terminate-cause.ts';

/** RFC 2866 section 5.1. */
export const ACCT_STATUS = { start: 1, stop: 2, interim: 3, on: 7, off: 8 } as const;
/** RFC 2866 section 5.6. */
export const ACCT_AUTHENTIC = { radius: 1, local: 2 } as const;

const WORD = 2 ** 32;

export const secondsOf = (milliseconds: number): number => Math.max(0, Math.floor(milliseconds / 1000)) % WORD;

const low = (count: number): number => count % WORD;
const high = (count: number): number => Math.floor(count / WORD) % WORD;

/** Octets and packets (RFC 2866 section 5, gigawords RFC 2869 section 5.1); input is what came from the peer. */
const usageAttributes = (usage: SessionUsage, seconds: number): readonly Attribute[] => [
  attribute(ATTRIBUTE.acctInputOctets, low(usage.octetsIn)),
  attribute(ATTRIBUTE.acctOutputOctets, low(usage.octetsOut)),
  attribute(ATTRIBUTE.acctInputGigawords, high(usage.octetsIn)),
  attribute(ATTRIBUTE.acctOutputGigawords, high(usage.octetsOut)),
  attribute(ATTRIBUTE.acctInputPackets, low(usage.packetsIn)),
  attribute(ATTRIBUTE.acctOutputPackets, low(usage.packetsOut)),
  attribute(ATTRIBUTE.acctSessionTime, seconds),
];

const eventAt = (at: number): Attribute => attribute(ATTRIBUTE.eventTimestamp, secondsOf(at));
const status = (value: number): Attribute => attribute(ATTRIBUTE.acctStatusType, value);

/** What a record says, without Acct-Delay-Time; `session` are the attributes that name the session and the gateway. */
export const recordAttributes = (
  kind: 'start' | 'interim' | 'stop',
  { at, seconds, usage }: AccountingRecord,
  session: readonly Attribute[],
  ending?: SessionEnding,
): readonly Attribute[] => [
  status(ACCT_STATUS[kind]),
  ...session,
  eventAt(at),
  ...(kind === 'start' ? [] : usageAttributes(usage, seconds)),
  ...(ending === undefined ? [] : [attribute(ATTRIBUTE.acctTerminateCause, terminateCauseOf[ending.reason])]),
];

/** Accounting-On and -Off (RFC 2866 section 5.1): the gateway's own attributes, and no session's. */
export const gatewayAttributes = (
  kind: 'on' | 'off',
  at: number,
  session: string,
  gateway: readonly Attribute[],
): readonly Attribute[] => [
  status(ACCT_STATUS[kind]),
  ...gateway,
  attribute(ATTRIBUTE.acctSessionId, session),
  ...(kind === 'off' ? [attribute(ATTRIBUTE.acctTerminateCause, TERMINATE_CAUSE.adminReboot)] : []),
  eventAt(at),
];

const REPLACED: readonly number[] = [ATTRIBUTE.acctStatusType.type, ATTRIBUTE.acctTerminateCause.type];
const NOTHING: SessionUsage = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };

/** The Stop of a session that nobody ended: its last record with another status, its numbers as they were then. */
export const stopAfterCrash = (last: readonly Attribute[], cause: number): readonly Attribute[] => [
  status(ACCT_STATUS.stop),
  ...last.filter(({ vendor, type }) => vendor !== 0 || !REPLACED.includes(type)),
  ...(last.some(({ vendor, type }) => vendor === 0 && type === ATTRIBUTE.acctSessionTime.type)
    ? []
    : usageAttributes(NOTHING, 0)),
  attribute(ATTRIBUTE.acctTerminateCause, cause),
];
