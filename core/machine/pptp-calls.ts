// Calls of one control connection: RFC 2637 sections 2.7 to 2.15 and 3.2. Which Call ID a message carries is easily got
// wrong: CCR and CDN carry the sender's, WEN and SLI the receiver's, replies both. Incoming calls are in
// pptp-incoming-calls.ts.
import type { ClearReason, WanErrors } from '../ports/control.ts';
import { type CallId, callId } from '../ports/ids.ts';
import { after, type Instant } from '../time.ts';
import type {
  CallDisconnectNotify,
  CallMessage,
  OutgoingCallReply,
  OutgoingCallRequest,
} from '../wire/pptp-message-call.ts';
import { describeResult, OUTGOING_RESULT, resultName } from '../wire/pptp-message-codes.ts';
import type { SetLinkInfo, WanErrorNotify } from '../wire/pptp-message-link.ts';
import type { CallBookSnapshot } from './control-snapshot.ts';
import { PptpCall, type PptpCallTable } from './pptp-call.ts';
import { becauseOf, NO_RESOURCE, PptpCallBook } from './pptp-call-book.ts';
import {
  callConnected,
  callDisconnected,
  callRefused,
  outgoingCallRequest,
  wanErrorNotify,
  wanErrorsOf,
} from './pptp-call-messages.ts';
import type { ControlOutput } from './pptp-control-output.ts';
import type { CallRefusal, ControlDeps, ControlOptions, IncomingNumbers } from './pptp-control-types.ts';
import { PptpIncomingCalls } from './pptp-incoming-calls.ts';

const describeDisconnect = (m: CallDisconnectNotify): string =>
  `Call-Disconnect-Notify: ${describeResult('disconnect', m.resultCode, m.errorCode)}`;

const overdueMessage = (call: PptpCall): string => {
  if (call.state === 'wait-disconnect') return 'no Call-Disconnect-Notify for a cleared call';
  if (call.state === 'wait-connect') return 'no Incoming-Call-Connected';
  return call.direction === 'incoming' ? 'no reply to Incoming-Call-Request' : 'no reply to Outgoing-Call-Request';
};

export class PptpCalls {
  private readonly options: ControlOptions;
  private readonly out: ControlOutput;
  private readonly book: PptpCallBook;
  private readonly table: PptpCallTable;
  private readonly incoming: PptpIncomingCalls;

  constructor(deps: ControlDeps, options: ControlOptions, out: ControlOutput) {
    this.options = options;
    this.out = out;
    this.book = new PptpCallBook(deps, options, out);
    this.table = this.book.table;
    this.incoming = new PptpIncomingCalls(this.book);
  }

  get size(): number {
    return this.table.size;
  }

  snapshot(): CallBookSnapshot {
    return this.book.snapshot();
  }

  restore(snapshot: CallBookSnapshot): void {
    this.book.restore(snapshot);
  }

  get refusesCalls(): boolean {
    return this.book.refusing;
  }

  refuseCalls(): void {
    this.book.refusing = true;
  }

  acceptCalls(): void {
    this.book.refusing = false;
  }

  nextTimeout(): Instant | undefined {
    return this.table.nextTimeout();
  }

  /** Sends what is due. The result says which reply is overdue: then the whole connection is to be closed (3.2.1). */
  handleTimeout(now: Instant): string | undefined {
    let overdue: string | undefined;
    for (const call of this.table.all()) {
      if (call.replyBy !== undefined && call.replyBy <= now) {
        overdue = overdueMessage(call);
      }
      const errors = call.dueErrors(now);
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
        this.incoming.handleRequest(message, now);
        break;
      case 'incoming-call-reply':
        this.incoming.handleReply(message);
        break;
      case 'incoming-call-connected':
        this.incoming.handleConnected(message, now);
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
    if (call.side === 'pac') {
      this.out.send(callDisconnected(call.localCallId, reason));
      this.book.drop(call, reason, detail);
      return;
    }
    this.book.requestClear(call, reason, detail, now);
  }

  /** Forgets every call. `notify`: tell the peer of each first; otherwise the end of the connection says it. */
  clearAll(reason: ClearReason, detail: string, notify: boolean): void {
    for (const call of this.table.all()) {
      if (notify && call.side === 'pac') this.out.send(callDisconnected(call.localCallId, reason));
      else if (notify && call.state !== 'wait-disconnect') {
        this.out.send({ kind: 'call-clear-request', callId: call.localCallId });
      }
      this.book.drop(call, reason, detail);
    }
  }

  /** PNS: places a call (RFC 2637 section 3.2.4.2). `connected`: the control connection is established. */
  place(tag: number, phoneNumber: string, connected: boolean, now: Instant): void {
    const obstacle = this.book.placeObstacle('pns', connected);
    if (obstacle !== undefined) {
      this.book.placeFailed(tag, ...obstacle);
      return;
    }
    const localCallId = this.book.allocate();
    if (localCallId === undefined) {
      this.book.placeFailed(tag, 'no-resource', 'No Call ID is free.');
      return;
    }
    const serial = this.book.takeSerial();
    const replyBy = after(now, this.options.outgoingCallTimeoutMs);
    this.table.add(new PptpCall({ localCallId, serial, state: 'wait-reply', tag, replyBy }));
    this.out.send(outgoingCallRequest(localCallId, serial, phoneNumber, this.options));
  }

  /** PAC: announces a call that came in (RFC 2637 section 3.2.3.1). */
  placeIncoming(tag: number, numbers: IncomingNumbers, connected: boolean, now: Instant): void {
    this.incoming.announce(tag, numbers, connected, now);
  }

  wanError(localCallId: CallId, errors: WanErrors, now: Instant): void {
    const call = this.table.local(localCallId);
    if (call?.state !== 'established' || call.side !== 'pac') return;
    const due = call.offerErrors(errors, now);
    if (due !== undefined) this.sendWanErrors(call, due);
  }

  setLinkInfo(localCallId: CallId, sendAccm: number, receiveAccm: number): void {
    const call = this.table.local(localCallId);
    if (call?.state !== 'established' || call.peerCallId === undefined || call.side !== 'pns') return;
    this.out.send({ kind: 'set-link-info', peerCallId: call.peerCallId, sendAccm, receiveAccm });
  }

  private handleOutgoingCallRequest(m: OutgoingCallRequest, now: Instant): void {
    // A PNS places calls and has none placed through it (RFC 2637 section 2.7); nor is a PAC that came to us with a call
    // of its own a place to call through.
    const accepts = this.options.role === 'pac' && !this.options.originates;
    const refusal = this.book.refusalOf(m.callId, accepts, now);
    const localCallId = refusal === undefined ? this.book.allocate() : undefined;
    if (localCallId === undefined) {
      this.refuse(m, refusal ?? NO_RESOURCE);
      return;
    }
    const peerCallId = callId(m.callId);
    this.book.noteOpened();
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

  private refuse(m: OutgoingCallRequest, refusal: CallRefusal): void {
    const result = describeResult('outgoing', refusal.resultCode, refusal.errorCode);
    this.out.note('warn', 'call.refused', `Refused a call: ${result}${becauseOf(refusal)}.`, {
      peerCallId: m.callId,
      resultCode: refusal.resultCode,
      errorCode: refusal.errorCode,
    });
    this.out.send(callRefused(m.callId, refusal));
  }

  private handleOutgoingCallReply(m: OutgoingCallReply, now: Instant): void {
    const call = this.table.local(m.peerCallId);
    if (call?.tag === undefined || call.direction !== 'outgoing') {
      this.book.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    if (m.resultCode !== OUTGOING_RESULT.connected) {
      if (call.state === 'established') {
        this.book.noteUnexpected(m.kind, call);
        return;
      }
      this.handleRefusal(call, m);
      return;
    }
    if (call.peerCallId !== undefined) {
      this.book.noteUnexpected(m.kind, call);
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
    this.book.forget(call);
  }

  private handleCallClearRequest(peerCallId: number): void {
    const call = this.table.peer(peerCallId);
    // Usual when it crossed our CDN; the call has had its one CDN then. Where we are the PNS it is not the peer's to say.
    if (call?.side !== 'pac') {
      this.book.noteUnknownCall('call-clear-request', peerCallId);
      return;
    }
    this.out.send(callDisconnected(call.localCallId, 'peer-request'));
    this.book.drop(call, 'peer-request', 'Call-Clear-Request');
  }

  private handleCallDisconnectNotify(m: CallDisconnectNotify): void {
    const call = this.table.disconnected(m.callId);
    if (call === undefined) {
      this.book.noteUnknownCall(m.kind, m.callId);
      return;
    }
    if (resultName('disconnect', m.resultCode) === undefined) {
      this.out.note('debug', 'call.unknown-code', 'Call-Disconnect-Notify with a code the RFC does not know.', {
        resultCode: m.resultCode,
      });
    }
    this.book.drop(call, 'peer-disconnect', describeDisconnect(m));
  }

  private handleWanErrorNotify(m: WanErrorNotify): void {
    const call = this.table.local(m.peerCallId);
    if (call === undefined) {
      this.book.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    this.out.push({ kind: 'wan-errors', localCallId: call.localCallId, errors: wanErrorsOf(m) });
  }

  private handleSetLinkInfo(m: SetLinkInfo): void {
    const call = this.table.local(m.peerCallId);
    if (call?.peerCallId === undefined || call.state !== 'established') {
      this.book.noteUnknownCall(m.kind, m.peerCallId);
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
}
