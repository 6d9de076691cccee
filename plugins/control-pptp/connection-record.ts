import { peerOf } from '../../core/machine/pptp-control-peer.ts';
import type { Direction } from '../../core/outcome.ts';
import type { CallEvent, ControlMessage, ControlRecord } from '../../core/ports/control.ts';
import type { CallId } from '../../core/ports/ids.ts';
import { type Instant, instant } from '../../core/time.ts';
import type { PptpMessage } from '../../core/wire/pptp-message.ts';
import { describeResult, type ResultFamily } from '../../core/wire/pptp-message-codes.ts';
import type { EchoReply, EchoRequest } from '../../core/wire/pptp-message-connection.ts';
import type { ConnectionSnapshot } from './connection-snapshot.ts';

/** Messages that are kept; a call takes four of them, and clearing it two. */
const MAX_MESSAGES = 32;

interface Entry {
  readonly message: ControlMessage;
  /** The Call IDs it carries, from our side; a message about the connection has none. */
  readonly local: number | undefined;
  readonly peer: number | undefined;
}

const FAMILIES: Partial<Record<PptpMessage['kind'], ResultFamily>> = {
  'start-control-connection-reply': 'start',
  'stop-control-connection-reply': 'stop',
  'outgoing-call-reply': 'outgoing',
  'incoming-call-reply': 'incoming',
  'call-disconnect-notify': 'disconnect',
};

/** Why a connection never had a call, by what its machine noted last; stable words for error.type. */
const WHY: ReadonlyMap<string, string> = new Map([
  ['control.bad-message', 'bad-message'],
  ['control.start-timeout', 'start-timeout'],
  ['control.out-of-state', 'out-of-state'],
  ['control.version', 'version-not-supported'],
  ['control.refused', 'start-refused'],
  ['control.reply-timeout', 'reply-timeout'],
  ['control.echo-timeout', 'echo-timeout'],
  ['control.not-reading', 'not-reading'],
  ['control.no-call-in-time', 'no-call-in-time'],
  ['control.made-room', 'made-room'],
  ['call.refused', 'call-refused'],
  ['call.bad-call-id', 'bad-call-id'],
]);

/** Whom a record asks and tells; very many records share one. */
export interface RecordHost {
  now(): Instant;
  /** Told how long each answer to an Echo-Request of ours took, in ms. */
  roundTrip?(milliseconds: number): void;
}

/** What was said on one control connection and has not been told in an event yet, for traces. */
export class ConnectionRecord {
  private readonly host: RecordHost;
  private echo: { readonly identifier: number; readonly at: Instant } | undefined;
  private readonly entries: Entry[] = [];
  private hostName: string | undefined;
  private vendorName: string | undefined;
  private why: { readonly error: string; readonly detail: string } | undefined;
  private hadCall = false;
  private ours = false;

  constructor(host: RecordHost) {
    this.host = host;
  }

  /** What the peer says of itself, for a process that takes over. */
  get peerSays(): Pick<ControlRecord, 'hostName' | 'vendorName'> {
    return this.names();
  }

  /** In a process that takes over: the connection has had its call. */
  restore({ hostName, vendorName }: Pick<ConnectionSnapshot, 'hostName' | 'vendorName'>): void {
    this.hostName = hostName;
    this.vendorName = vendorName;
    this.hadCall = true;
  }

  /** As the machine's `seen`. Echoes say nothing about calls and would push out what does. */
  seen(direction: Direction, message: PptpMessage): void {
    if (message.kind === 'echo-request' || message.kind === 'echo-reply') {
      this.echoed(direction, message);
      return;
    }
    const start =
      message.kind === 'start-control-connection-request' || message.kind === 'start-control-connection-reply';
    if (start && direction === 'in') {
      const { hostName, vendorName } = peerOf(message);
      this.hostName = hostName === '' ? undefined : hostName;
      this.vendorName = vendorName === '' ? undefined : vendorName;
    }
    if (this.entries.length === MAX_MESSAGES) this.entries.shift();
    const sender = 'callId' in message ? message.callId : undefined;
    const receiver = 'peerCallId' in message ? message.peerCallId : undefined;
    this.entries.push({
      message: { at: this.host.now(), direction, name: message.kind, ...resultOf(message) },
      local: direction === 'in' ? receiver : sender,
      peer: direction === 'in' ? sender : receiver,
    });
  }

  private echoed(direction: Direction, { kind, identifier }: EchoRequest | EchoReply): void {
    if (kind === 'echo-request') {
      if (direction === 'out') this.echo = { identifier, at: this.host.now() };
    } else if (direction === 'in' && this.echo?.identifier === identifier) {
      this.host.roundTrip?.(this.host.now() - this.echo.at);
      this.echo = undefined;
    }
  }

  /** Something that the machine noted, which may be why there is no call. */
  noted(event: string, detail: string): void {
    const error = WHY.get(event);
    if (error !== undefined) this.why = { error, detail };
  }

  /** The call that we asked for was not opened: `result` is the RFC's name of the code. */
  callFailed(result: string, detail: string): void {
    this.why = { error: result, detail };
  }

  /** We end the connection for reasons of our own. */
  stopped(): void {
    this.ours = true;
  }

  /** `since`: when the first octet came; a call after the first one begins with its own request. */
  callOpened(
    localCallId: CallId,
    peerCallId: CallId,
    since: Instant,
  ): { readonly since: Instant; readonly control: ControlRecord } {
    const control = this.take(localCallId, peerCallId);
    const first = control.messages[0];
    const began = this.hadCall && first !== undefined ? instant(first.at) : since;
    this.hadCall = true;
    return { since: began, control };
  }

  callClosed(localCallId: CallId, peerCallId: CallId): ControlRecord {
    return this.take(localCallId, peerCallId);
  }

  /** What to tell of a connection that is over. Undefined when it had a call, or ended because we do. */
  withoutCall(
    established: boolean,
    detail: string,
  ): Pick<Extract<CallEvent, { kind: 'no-call' }>, 'error' | 'detail' | 'control'> | undefined {
    if (this.hadCall || (this.ours && this.why === undefined)) return undefined;
    const messages = this.entries.map(({ message }) => message);
    // A request is there, and it was held back (a collision) or its sender left before the reply.
    const asked = messages.some(({ name }) => name === 'start-control-connection-request');
    const unfinished = asked ? 'start-unanswered' : 'no-start-request';
    const left = { error: established ? 'no-call-request' : unfinished, detail };
    return { ...(this.why ?? left), control: { messages, ...this.names() } };
  }

  /** The messages about a call, and those about the connection that no call has taken. */
  private take(localCallId: CallId, peerCallId: CallId): ControlRecord {
    const messages: ControlMessage[] = [];
    const others: Entry[] = [];
    for (const entry of this.entries) {
      const { local, peer, message } = entry;
      const general = local === undefined && peer === undefined;
      if (general || local === localCallId || (local === undefined && peer === peerCallId)) messages.push(message);
      else others.push(entry);
    }
    this.entries.splice(0, this.entries.length, ...others);
    return { messages, ...this.names() };
  }

  private names(): Pick<ControlRecord, 'hostName' | 'vendorName'> {
    const { hostName, vendorName } = this;
    return { ...(hostName !== undefined && { hostName }), ...(vendorName !== undefined && { vendorName }) };
  }
}

const resultOf = (message: PptpMessage): Pick<ControlMessage, 'resultCode' | 'result' | 'errorCode'> => {
  if (message.kind === 'stop-control-connection-request') {
    return { resultCode: message.reason, result: describeResult('stopReason', message.reason) };
  }
  const family = FAMILIES[message.kind];
  if (family === undefined || !('resultCode' in message)) return {};
  const { resultCode, errorCode } = message;
  return { resultCode, result: describeResult(family, resultCode, errorCode), errorCode };
};
