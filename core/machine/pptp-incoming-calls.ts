// Incoming calls (RFC 2637 sections 2.9 to 2.11 and 3.2.3): the PAC asks, the PNS answers, the PAC says that the call is
// connected. Windows and Linux never use them; a PAC in front of real lines does.
import { callId } from '../ports/ids.ts';
import { after, type Instant } from '../time.ts';
import type { IncomingCallConnected, IncomingCallReply, IncomingCallRequest } from '../wire/pptp-message-call.ts';
import {
  describeResult,
  GENERAL_ERROR,
  INCOMING_RESULT,
  OUTGOING_RESULT,
  resultName,
} from '../wire/pptp-message-codes.ts';
import { PptpCall } from './pptp-call.ts';
import { becauseOf, NO_RESOURCE, type PptpCallBook } from './pptp-call-book.ts';
import {
  callDisconnected,
  incomingCallAccepted,
  incomingCallConnected,
  incomingCallRefused,
  incomingCallRequest,
} from './pptp-call-messages.ts';
import type { CallRefusal, IncomingNumbers } from './pptp-control-types.ts';

/** Outgoing refusals tell more causes than an Incoming-Call-Reply knows: those become "do not accept". */
const incomingCodes = ({ resultCode, errorCode }: CallRefusal): CallRefusal =>
  resultCode === OUTGOING_RESULT.generalError
    ? { resultCode: INCOMING_RESULT.generalError, errorCode }
    : { resultCode: INCOMING_RESULT.doNotAccept, errorCode: GENERAL_ERROR.none };

export class PptpIncomingCalls {
  private readonly book: PptpCallBook;

  constructor(book: PptpCallBook) {
    this.book = book;
  }

  /** PAC: a call has come in for the PNS (section 3.2.3.1). `connected`: the control connection is established. */
  announce(tag: number, numbers: IncomingNumbers, connected: boolean, now: Instant): void {
    const { book } = this;
    const obstacle = book.placeObstacle('pac', connected);
    const localCallId = obstacle === undefined ? book.allocate() : undefined;
    if (localCallId === undefined) {
      book.placeFailed(tag, ...(obstacle ?? (['no-resource', 'No Call ID is free.'] as const)));
      return;
    }
    const serial = book.takeSerial();
    const replyBy = after(now, book.options.outgoingCallTimeoutMs);
    book.table.add(new PptpCall({ localCallId, serial, state: 'wait-reply', direction: 'incoming', tag, replyBy }));
    book.out.send(incomingCallRequest(localCallId, serial, numbers));
  }

  /** PAC: the PNS takes the call or does not. */
  handleReply(m: IncomingCallReply): void {
    const { book } = this;
    const call = book.table.local(m.peerCallId);
    if (call?.tag === undefined || call.direction !== 'incoming') {
      book.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    if (call.state !== 'wait-reply') {
      book.noteUnexpected(m.kind, call);
      return;
    }
    if (m.resultCode !== INCOMING_RESULT.connect) {
      book.out.push({
        kind: 'call-failed',
        tag: call.tag,
        result: resultName('incoming', m.resultCode) ?? 'unknown-result',
        resultCode: m.resultCode,
        errorCode: m.errorCode,
        causeCode: 0,
        detail: `Incoming-Call-Reply: ${describeResult('incoming', m.resultCode, m.errorCode)}`,
      });
      book.forget(call);
      return;
    }
    const peerCallId = callId(m.callId);
    if (!book.table.learnPeerCallId(call, peerCallId)) {
      book.out.note('warn', 'call.bad-call-id', 'The peer gave two calls the same Call ID.', { peerCallId });
      book.out.send(callDisconnected(call.localCallId, 'negotiation-failed'));
      book.drop(call, 'negotiation-failed', 'The peer gave two calls the same Call ID.');
      return;
    }
    call.state = 'established';
    call.replyBy = undefined;
    book.out.push({
      kind: 'call-opened',
      localCallId: call.localCallId,
      peerCallId,
      window: m.packetReceiveWindow,
      processingDelay: m.packetTransmitDelay,
      serial: call.serial,
      connectSpeed: book.options.connectSpeed,
      tag: call.tag,
    });
    book.out.send(incomingCallConnected(peerCallId, book.options));
  }

  /** PNS: section 3.2.3.2. For this call we are the PNS, also where outgoing calls make us the PAC. */
  handleRequest(m: IncomingCallRequest, now: Instant): void {
    const { book } = this;
    const { acceptIncomingCalls } = book.options;
    const refusal = book.refusalOf(m.callId, acceptIncomingCalls, now);
    const localCallId = refusal === undefined ? book.allocate() : undefined;
    if (localCallId === undefined) {
      const cause = refusal ?? NO_RESOURCE;
      const codes = incomingCodes(cause);
      const result = describeResult('incoming', codes.resultCode, codes.errorCode);
      const hint = acceptIncomingCalls ? becauseOf(cause) : `; ${book.options.incomingCallsHint}`;
      book.out.note('warn', 'call.refused', `Refused an incoming call: ${result}${hint}.`, {
        peerCallId: m.callId,
        ...codes,
      });
      book.out.send(incomingCallRefused(m.callId, codes));
      return;
    }
    book.noteOpened();
    const peerCallId = callId(m.callId);
    const replyBy = after(now, book.options.replyTimeoutMs);
    const serial = m.callSerialNumber;
    const state = 'wait-connect';
    book.table.add(new PptpCall({ localCallId, serial, state, direction: 'incoming', peerCallId, replyBy }));
    book.out.send(incomingCallAccepted(localCallId, peerCallId, book.options));
  }

  /** PNS: the call is up. */
  handleConnected(m: IncomingCallConnected, now: Instant): void {
    const { book } = this;
    const call = book.table.local(m.peerCallId);
    if (call?.peerCallId === undefined || call.direction !== 'incoming') {
      book.noteUnknownCall(m.kind, m.peerCallId);
      return;
    }
    // Cleared by us while it was on its way, or said twice.
    if (call.state !== 'wait-connect') {
      book.noteUnexpected(m.kind, call);
      return;
    }
    // Calls that wait to be connected are in no count of open calls: many that were accepted must not become too many.
    if (!book.admits()) {
      book.requestClear(call, 'administrative', 'no more calls are taken.', now);
      return;
    }
    call.state = 'established';
    call.replyBy = undefined;
    book.out.push({
      kind: 'call-opened',
      localCallId: call.localCallId,
      peerCallId: call.peerCallId,
      window: m.packetReceiveWindow,
      processingDelay: m.packetTransmitDelay,
      serial: call.serial,
      connectSpeed: m.connectSpeed,
      tag: undefined,
    });
  }
}
