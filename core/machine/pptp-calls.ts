// Calls of one control connection: RFC 2637 sections 2.7 to 2.15 and 3.2. Which Call ID a message carries is easily got
// wrong: CCR and CDN carry the sender's, WEN and SLI the receiver's, replies both. Left out on purpose: Incoming-Call-*
// (a voluntary tunnel has none), which is refused.
import type { ClearReason, WanErrors } from '../ports/control.ts';
import { type CallId, callId } from '../ports/ids.ts';
import { after, type Instant } from '../time.ts';
import type {
  CallDisconnectNotify,
  CallMessage,
  IncomingCallRequest,
  OutgoingCallReply,
  OutgoingCallRequest,
} from '../wire/pptp-message-call.ts';
import { describeResult, GENERAL_ERROR, OUTGOING_RESULT, resultName } from '../wire/pptp-message-codes.ts';
import type { SetLinkInfo, WanErrorNotify } from '../wire/pptp-message-link.ts';
import { PptpCall, PptpCallTable } from './pptp-call.ts';
import {
  callConnected,
  callDisconnected,
  callRefused,
  incomingCallRefused,
  outgoingCallRequest,
  wanErrorNotify,
  wanErrorsOf,
} from './pptp-call-messages.ts';
import type { ControlOutput } from './pptp-control-output.ts';
import type { CallRefusal, ControlDeps, ControlOptions } from './pptp-control-types.ts';

const NO_RESOURCE: CallRefusal = { resultCode: OUTGOING_RESULT.generalError, errorCode: GENERAL_ERROR.noResource };
const BAD_CALL_ID: CallRefusal = { resultCode: OUTGOING_RESULT.generalError, errorCode: GENERAL_ERROR.badCallId };
const DO_NOT_ACCEPT: CallRefusal = { resultCode: OUTGOING_RESULT.doNotAccept, errorCode: GENERAL_ERROR.none };

/**
 * Calls that a connection may open in a minute beyond the number it may have at once. A redial needs one; without a limit
 * a stranger who opens and clears without end has a session made for each and wears the quarantine of Call IDs out.
 */
const SPARE_CALLS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

const describeDisconnect = (m: CallDisconnectNotify): string =>
  `Call-Disconnect-Notify: ${describeResult('disconnect', m.resultCode, m.errorCode)}`;

export class PptpCalls {
  private readonly options: ControlOptions;
  private readonly deps: ControlDeps;
  private readonly out: ControlOutput;
  private readonly table = new PptpCallTable();
  private nextSerial = 1;
  private refusing = false;
  private openedInMinute = 0;
  private minuteEnd: Instant | undefined;

  constructor(deps: ControlDeps, options: ControlOptions, out: ControlOutput) {
    this.deps = deps;
    this.options = options;
    this.out = out;
  }

  get size(): number {
    return this.table.size;
  }

  get refusesCalls(): boolean {
    return this.refusing;
  }

  refuseCalls(): void {
    this.refusing = true;
  }

  nextTimeout(): Instant | undefined {
    return this.table.nextTimeout();
  }

  /** Sends what is due. The result says which reply is overdue: then the whole connection is to be closed (3.2.1). */
  handleTimeout(now: Instant): string | undefined {
    let overdue: string | undefined;
    for (const call of this.table.all()) {
      if (call.replyBy !== undefined && call.replyBy <= now) {
        overdue =
          call.state === 'wait-reply'
            ? 'no reply to Outgoing-Call-Request'
            : 'no Call-Disconnect-Notify for a cleared call';
      }
      const errors = call.wan.due(now);
      if (errors !== undefined) this.sendWanErrors(call, errors);
    }
    return overdue;
  }

  handleMessage(message: CallMessage | WanErrorNotify | SetLinkInfo, now: Instant): void {
    switch (message.kind) {
      case 'outgoing-call-request':
        this.handleOutgoingCallRequest(message, now);
        break;
      case 'outgoing-call-reply':
        this.handleOutgoingCallReply(message, now);
        break;
      case 'incoming-call-request':
        this.handleIncomingCallRequest(message);
        break;
      case 'incoming-call-reply':
      case 'incoming-call-connected':
        // We never send Incoming-Call-Request, so these can only name a call that does not exist.
        this.noteUnknownCall(message.kind, message.peerCallId);
        break;
      case 'call-clear-request':
        this.handleCallClearRequest(message.callId);
        break;
      case 'call-disconnect-notify':
        this.handleCallDisconnectNotify(message);
        break;
      case 'wan-error-notify':
        this.handleWanErrorNotify(message);
        break;
      case 'set-link-info':
        this.handleSetLinkInfo(message);
        break;
    }
  }

  /** From our side: CDN (PAC) or CCR (PNS). Nothing happens for a call that is already gone. */
  clear(localCallId: CallId, reason: ClearReason, detail: string, now: Instant): void {
    const call = this.table.local(localCallId);
    if (call === undefined || call.state === 'wait-disconnect') return;
    if (this.options.role === 'pac') {
      this.out.send(callDisconnected(call.localCallId, reason));
      this.drop(call, reason, detail);
      return;
    }
    this.out.send({ kind: 'call-clear-request', callId: call.localCallId });
    this.announceEnd(call, reason, detail);
    call.state = 'wait-disconnect';
    call.replyBy = after(now, this.options.replyTimeoutMs);
  }

  /** Forgets every call. `notify`: tell the peer of each first; otherwise the end of the connection says it. */
  clearAll(reason: ClearReason, detail: string, notify: boolean): void {
    for (const call of this.table.all()) {
      if (notify && this.options.role === 'pac') this.out.send(callDisconnected(call.localCallId, reason));
      else if (notify && call.state !== 'wait-disconnect') {
        this.out.send({ kind: 'call-clear-request', callId: call.localCallId });
      }
      this.drop(call, reason, detail);
    }
  }

  /** PNS: places a call (RFC 2637 section 3.2.4.2). `connected`: the control connection is established. */
  place(tag: number, phoneNumber: string, connected: boolean, now: Instant): void {
    const obstacle = this.placeObstacle(connected);
    if (obstacle !== undefined) {
      this.placeFailed(tag, ...obstacle);
      return;
    }
    const localCallId = this.deps.callIds.allocate();
    if (localCallId === undefined) {
      this.placeFailed(tag, 'no-resource', 'No Call ID is free.');
      return;
    }
    const serial = this.nextSerial;
    this.nextSerial = serial === 0xffff ? 1 : serial + 1;
    const replyBy = after(now, this.options.outgoingCallTimeoutMs);
    this.table.add(new PptpCall({ localCallId, serial, state: 'wait-reply', tag, replyBy }));
    this.out.send(outgoingCallRequest(localCallId, serial, phoneNumber, this.options));
  }

  private placeObstacle(connected: boolean): readonly [result: string, detail: string] | undefined {
    if (this.options.role !== 'pns') return ['wrong-role', 'A server does not place calls.'];
    if (!connected) return ['not-connected', 'The control connection is not established.'];
    if (this.refusing) return ['refused', 'No new calls are taken.'];
    if (this.table.size < this.options.maxCalls) return undefined;
    return ['no-resource', `The limit of ${this.options.maxCalls} calls is reached.`];
  }

  wanError(localCallId: CallId, errors: WanErrors, now: Instant): void {
    const call = this.table.local(localCallId);
    if (call?.state !== 'established' || this.options.role !== 'pac') return;
    const due = call.wan.offer(errors, now);
    if (due !== undefined) this.sendWanErrors(call, due);
  }

  setLinkInfo(localCallId: CallId, sendAccm: number, receiveAccm: number): void {
    const call = this.table.local(localCallId);
    if (call?.state !== 'established' || call.peerCallId === undefined || this.options.role !== 'pns') return;
    this.out.send({ kind: 'set-link-info', peerCallId: call.peerCallId, sendAccm, receiveAccm });
  }

  private handleOutgoingCallRequest(m: OutgoingCallRequest, now: Instant): void {
    const refusal = this.refusalOf(m, now);
    const localCallId = refusal === undefined ? this.deps.callIds.allocate() : undefined;
    if (localCallId === undefined) {
      this.refuse(m, refusal ?? NO_RESOURCE);
      return;
    }
    const peerCallId = callId(m.callId);
    this.openedInMinute += 1;
    const serial = m.callSerialNumber;
    const connectSpeed =
      m.maximumBps === 0 ? this.options.connectSpeed : Math.min(this.options.connectSpeed, m.maximumBps);
    this.table.add(new PptpCall({ localCallId, serial, state: 'established', peerCallId }));
    this.out.push({
      kind: 'call-opened',
      localCallId,
      peerCallId,
      window: m.packetReceiveWindow,
      processingDelay: m.packetProcessingDelay,
      serial,
      connectSpeed,
      tag: undefined,
    });
    this.out.send(callConnected(localCallId, peerCallId, connectSpeed, this.options));
  }

  private refusalOf(m: OutgoingCallRequest, now: Instant): CallRefusal | undefined {
    // A PNS places calls and has none placed through it (RFC 2637 section 2.7).
    if (this.refusing || this.options.role === 'pns') return DO_NOT_ACCEPT;
    if (this.table.peer(m.callId) !== undefined) return BAD_CALL_ID;
    if (this.table.size >= this.options.maxCalls || this.opensTooOften(now)) return NO_RESOURCE;
    return this.deps.admit?.();
  }

  private opensTooOften(now: Instant): boolean {
    if (this.minuteEnd === undefined || now >= this.minuteEnd) {
      this.minuteEnd = after(now, MINUTE_MS);
      this.openedInMinute = 0;
    }
    return this.openedInMinute >= this.options.maxCalls + SPARE_CALLS_A_MINUTE;
  }

  private refuse(m: OutgoingCallRequest, refusal: CallRefusal): void {
    const result = describeResult('outgoing', refusal.resultCode, refusal.errorCode);
    this.out.note('warn', 'call.refused', `Refused a call: ${result}.`, {
      peerCallId: m.callId,
      resultCode: refusal.resultCode,
      errorCode: refusal.errorCode,
    });
    this.out.send(callRefused(m.callId, refusal));
  }

  private handleOutgoingCallReply(m: OutgoingCallReply, now: Instant): void {
    const call = this.table.local(m.peerCallId);
    if (call === undefined || call.tag === undefined) {
      this.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    if (m.resultCode !== OUTGOING_RESULT.connected) {
      if (call.state === 'established') {
        this.noteUnexpected(m.kind, call);
        return;
      }
      this.handleRefusal(call, m);
      return;
    }
    if (call.peerCallId !== undefined) {
      this.noteUnexpected(m.kind, call);
      return;
    }
    const peerCallId = callId(m.callId);
    if (!this.table.learnPeerCallId(call, peerCallId)) {
      this.out.note('warn', 'call.bad-call-id', 'The peer gave two calls the same Call ID.', { peerCallId });
      this.clear(call.localCallId, 'negotiation-failed', 'The peer gave two calls the same Call ID.', now);
      return;
    }
    // Cleared while the reply was on its way: the CDN is still to come.
    if (call.state === 'wait-disconnect') return;
    call.state = 'established';
    call.replyBy = undefined;
    this.out.push({
      kind: 'call-opened',
      localCallId: call.localCallId,
      peerCallId,
      window: m.packetReceiveWindow,
      processingDelay: m.packetProcessingDelay,
      serial: call.serial,
      connectSpeed: m.connectSpeed,
      tag: call.tag,
    });
  }

  private handleRefusal(call: PptpCall, m: OutgoingCallReply): void {
    const detail = `Outgoing-Call-Reply: ${describeResult('outgoing', m.resultCode, m.errorCode)}`;
    if (call.state === 'wait-reply' && call.tag !== undefined) {
      this.out.push({
        kind: 'call-failed',
        tag: call.tag,
        result: resultName('outgoing', m.resultCode) ?? 'unknown-result',
        resultCode: m.resultCode,
        errorCode: m.errorCode,
        causeCode: m.causeCode,
        detail,
      });
    }
    this.forget(call);
  }

  private handleIncomingCallRequest(m: IncomingCallRequest): void {
    this.out.note('warn', 'call.refused', 'Refused an incoming call: this side takes none.', { peerCallId: m.callId });
    this.out.send(incomingCallRefused(m.callId));
  }

  private handleCallClearRequest(peerCallId: number): void {
    const call = this.options.role === 'pac' ? this.table.peer(peerCallId) : undefined;
    // Usual when it crossed our CDN; the call has had its one CDN then.
    if (call === undefined) {
      this.noteUnknownCall('call-clear-request', peerCallId);
      return;
    }
    this.out.send(callDisconnected(call.localCallId, 'peer-request'));
    this.drop(call, 'peer-request', 'Call-Clear-Request');
  }

  private handleCallDisconnectNotify(m: CallDisconnectNotify): void {
    const call = this.options.role === 'pns' ? this.table.disconnected(m.callId) : this.table.peer(m.callId);
    if (call === undefined) {
      this.noteUnknownCall(m.kind, m.callId);
      return;
    }
    if (resultName('disconnect', m.resultCode) === undefined) {
      this.out.note('debug', 'call.unknown-code', 'Call-Disconnect-Notify with a code the RFC does not know.', {
        resultCode: m.resultCode,
      });
    }
    this.drop(call, 'peer-disconnect', describeDisconnect(m));
  }

  private handleWanErrorNotify(m: WanErrorNotify): void {
    const call = this.table.local(m.peerCallId);
    if (call === undefined) {
      this.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    this.out.push({ kind: 'wan-errors', localCallId: call.localCallId, errors: wanErrorsOf(m) });
  }

  private handleSetLinkInfo(m: SetLinkInfo): void {
    const call = this.table.local(m.peerCallId);
    if (call?.peerCallId === undefined || call.state !== 'established') {
      this.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    this.out.push({
      kind: 'link-info',
      localCallId: call.localCallId,
      peerCallId: call.peerCallId,
      sendAccm: m.sendAccm,
      receiveAccm: m.receiveAccm,
    });
  }

  private sendWanErrors(call: PptpCall, errors: WanErrors): void {
    if (call.peerCallId !== undefined) this.out.send(wanErrorNotify(call.peerCallId, errors));
  }

  private drop(call: PptpCall, reason: ClearReason, detail: string): void {
    this.announceEnd(call, reason, detail);
    this.forget(call);
  }

  /** Tells our side once; a call in `wait-disconnect` was announced when it was cleared. */
  private announceEnd(call: PptpCall, reason: ClearReason, detail: string): void {
    if (call.state === 'established' && call.peerCallId !== undefined) {
      const { localCallId, peerCallId } = call;
      this.out.push({ kind: 'call-closed', localCallId, peerCallId, reason, detail });
    } else if (call.state === 'wait-reply' && call.tag !== undefined) {
      this.placeFailed(call.tag, reason, detail);
    }
  }

  private forget(call: PptpCall): void {
    this.table.remove(call);
    this.deps.callIds.release(call.localCallId);
  }

  private placeFailed(tag: number, result: string, detail: string): void {
    this.out.push({ kind: 'call-failed', tag, result, resultCode: 0, errorCode: 0, causeCode: 0, detail });
  }

  private noteUnknownCall(message: string, id: number): void {
    this.out.note('debug', 'call.unknown', 'A message names a call that does not exist.', { message, callId: id });
  }

  private noteUnexpected(message: string, call: PptpCall): void {
    this.out.note('debug', 'call.unexpected', 'A reply to a call that is not waiting for it.', {
      message,
      localCallId: call.localCallId,
    });
  }
}
