import {
  aCount,
  anInstant,
  aRecord,
  maybe,
  oneOfState,
  type StateOf,
  type StateReader,
  someBytes,
  someOf,
} from '../bytes/state.ts';
import { type CallId, callId } from '../ports/ids.ts';

/** What a control connection that is established is at one moment, for the process that goes on with it. */

const u32 = aCount(0, 0xffffffff);
const u16 = aCount(0, 0xffff);
/** Counters of RFC 2637 section 2.14. */
const counter = aCount(0, Number.MAX_SAFE_INTEGER);
export const MOST_CALLS = 0xffff;

const aCallId: StateReader<CallId> = (value) => {
  const read = u16(value);
  return read && { value: callId(read.value) };
};

const readWanErrors = aRecord({
  crc: counter,
  framing: counter,
  hardwareOverruns: counter,
  bufferOverruns: counter,
  timeOuts: counter,
  alignment: counter,
});

const readWanErrorLimit = aRecord({
  reported: readWanErrors,
  pending: maybe(readWanErrors),
  openAt: maybe(anInstant),
});
export type WanErrorSnapshot = StateOf<typeof readWanErrorLimit>;

const readCall = aRecord({
  localCallId: aCallId,
  peerCallId: maybe(aCallId),
  serial: u16,
  direction: oneOfState('outgoing', 'incoming'),
  tag: maybe(u32),
  state: oneOfState('wait-reply', 'wait-connect', 'established', 'wait-disconnect'),
  replyBy: maybe(anInstant),
  wanErrors: maybe(readWanErrorLimit),
});
export type CallSnapshot = StateOf<typeof readCall>;

const readCalls = aRecord({
  nextSerial: u16,
  openedInMinute: counter,
  minuteEnd: maybe(anInstant),
  calls: someOf(readCall, MOST_CALLS),
});
export type CallBookSnapshot = StateOf<typeof readCalls>;

export const CONTROL_TIMERS = ['start', 'echo', 'echo-reply', 'stop-reply'] as const;

const readControl = aRecord({
  /** Of an unfinished message. */
  unread: someBytes(0, 1024),
  timers: someOf(aRecord({ name: oneOfState(...CONTROL_TIMERS), at: anInstant }), CONTROL_TIMERS.length),
  echoIdentifier: u32,
  book: readCalls,
});
export type ControlSnapshot = StateOf<typeof readControl>;

/** Undefined: it is none, or of another version. */
export const readControlSnapshot = (value: unknown): ControlSnapshot | undefined => readControl(value)?.value;

const readResting = aRecord({ id: aCallId, until: anInstant });
const readCallIds = aRecord({ resting: someOf(readResting, MOST_CALLS) });
/** Call IDs that rest; those in use are in the connections. */
export type CallIdsSnapshot = StateOf<typeof readCallIds>;
export const readCallIdsSnapshot = (value: unknown): CallIdsSnapshot | undefined => readCallIds(value)?.value;
