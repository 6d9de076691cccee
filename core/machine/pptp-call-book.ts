// What outgoing and incoming calls of one control connection share: the table, the limits, and how a call ends.
import type { ClearReason } from '../ports/control.ts';
import type { CallId } from '../ports/ids.ts';
import { after, type Instant } from '../time.ts';
import { GENERAL_ERROR, OUTGOING_RESULT } from '../wire/pptp-message-codes.ts';
import type { CallBookSnapshot } from './control-snapshot.ts';
import { PptpCall, PptpCallTable } from './pptp-call.ts';
import type { ControlOutput } from './pptp-control-output.ts';
import type { CallRefusal, ControlDeps, ControlOptions, ControlRole } from './pptp-control-types.ts';

export const NO_RESOURCE: CallRefusal = {
  resultCode: OUTGOING_RESULT.generalError,
  errorCode: GENERAL_ERROR.noResource,
  why: 'no Call ID is free',
};
const BAD_CALL_ID: CallRefusal = { resultCode: OUTGOING_RESULT.generalError, errorCode: GENERAL_ERROR.badCallId };
const DO_NOT_ACCEPT: CallRefusal = { resultCode: OUTGOING_RESULT.doNotAccept, errorCode: GENERAL_ERROR.none };

/** The end of a sentence about a refusal: the limit that was met, where one was. */
export const becauseOf = ({ why }: CallRefusal): string => (why === undefined ? '' : `, because ${why}`);

/**
 * Calls that a connection may open in a minute beyond the number it may have at once. A redial needs one; without a limit
 * a stranger who opens and clears without end has a session made for each and wears the quarantine of Call IDs out.
 */
const SPARE_CALLS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

export class PptpCallBook {
  readonly options: ControlOptions;
  readonly out: ControlOutput;
  readonly table = new PptpCallTable();
  refusing = false;
  private readonly deps: ControlDeps;
  private nextSerial = 1;
  private openedInMinute = 0;
  private minuteEnd: Instant | undefined;

  constructor(deps: ControlDeps, options: ControlOptions, out: ControlOutput) {
    this.deps = deps;
    this.options = options;
    this.out = out;
  }

  snapshot(): CallBookSnapshot {
    const { nextSerial, openedInMinute, minuteEnd } = this;
    return { nextSerial, openedInMinute, minuteEnd, calls: this.table.all().map((call) => call.snapshot()) };
  }

  restore({ nextSerial, openedInMinute, minuteEnd, calls }: CallBookSnapshot): void {
    this.nextSerial = nextSerial;
    this.openedInMinute = openedInMinute;
    this.minuteEnd = minuteEnd;
    for (const call of calls) this.table.add(PptpCall.restored(call));
  }

  allocate(): CallId | undefined {
    return this.deps.callIds.allocate();
  }

  takeSerial(): number {
    const serial = this.nextSerial;
    this.nextSerial = serial === 0xffff ? 1 : serial + 1;
    return serial;
  }

  /** Why a call that the peer asks for is refused, in the codes of an Outgoing-Call-Reply. Counts the call otherwise. */
  refusalOf(peerCallId: number, accepts: boolean, now: Instant): CallRefusal | undefined {
    if (this.refusing || !accepts) return DO_NOT_ACCEPT;
    if (this.table.peer(peerCallId) !== undefined) return BAD_CALL_ID;
    if (this.table.size >= this.options.maxCalls) {
      return { ...NO_RESOURCE, why: `the control connection has the most calls allowed, ${this.options.maxCalls}` };
    }
    if (this.opensTooOften(now)) {
      return { ...NO_RESOURCE, why: 'the control connection has opened too many calls in this minute' };
    }
    return this.deps.admit?.();
  }

  /** The gateway's own limits, asked once more for a call that was accepted a while ago. */
  admits(): boolean {
    return this.deps.admit?.() === undefined;
  }

  noteOpened(): void {
    this.openedInMinute += 1;
  }

  /** Why we cannot place a call now; `role` is the one that may. */
  placeObstacle(role: ControlRole, connected: boolean): readonly [result: string, detail: string] | undefined {
    if (this.options.role !== role) {
      const detail = role === 'pns' ? 'A PAC does not place calls.' : 'A PNS does not announce incoming calls.';
      return ['wrong-role', detail];
    }
    if (!connected) return ['not-connected', 'The control connection is not established.'];
    if (this.refusing) return ['refused', 'No new calls are taken.'];
    if (this.table.size < this.options.maxCalls) return undefined;
    return ['no-resource', `The limit of ${this.options.maxCalls} calls is reached.`];
  }

  /** PNS: asks the PAC to end the call; it is over for our side, and gone with the Call-Disconnect-Notify. */
  requestClear(call: PptpCall, reason: ClearReason, detail: string, now: Instant): void {
    this.out.send({ kind: 'call-clear-request', callId: call.localCallId });
    this.announceEnd(call, reason, detail);
    call.state = 'wait-disconnect';
    call.replyBy = after(now, this.options.replyTimeoutMs);
  }

  drop(call: PptpCall, reason: ClearReason, detail: string): void {
    this.announceEnd(call, reason, detail);
    this.forget(call);
  }

  /** Tells our side once; a call in `wait-disconnect` was announced when it was cleared. */
  announceEnd(call: PptpCall, reason: ClearReason, detail: string): void {
    if (call.state === 'established' && call.peerCallId !== undefined) {
      const { localCallId, peerCallId } = call;
      this.out.push({ kind: 'call-closed', localCallId, peerCallId, reason, detail });
    } else if (call.state === 'wait-reply' && call.tag !== undefined) {
      this.placeFailed(call.tag, reason, detail);
    } else if (call.state === 'wait-connect') {
      this.out.note('info', 'call.not-connected', `An incoming call was accepted but not connected: ${detail}`);
    }
  }

  forget(call: PptpCall): void {
    this.table.remove(call);
    this.deps.callIds.release(call.localCallId);
  }

  placeFailed(tag: number, result: string, detail: string): void {
    this.out.push({ kind: 'call-failed', tag, result, resultCode: 0, errorCode: 0, causeCode: 0, detail });
  }

  noteUnknownCall(message: string, id: number): void {
    this.out.note('debug', 'call.unknown', 'A message names a call that does not exist.', { message, callId: id });
  }

  noteUnexpected(message: string, call: PptpCall): void {
    this.out.note('debug', 'call.unexpected', 'A reply to a call that is not waiting for it.', {
      message,
      localCallId: call.localCallId,
    });
  }

  private opensTooOften(now: Instant): boolean {
    if (this.minuteEnd === undefined || now >= this.minuteEnd) {
      this.minuteEnd = after(now, MINUTE_MS);
      this.openedInMinute = 0;
    }
    return this.openedInMinute >= this.options.maxCalls + SPARE_CALLS_A_MINUTE;
  }
}
