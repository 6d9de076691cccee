// One control connection: RFC 2637 sections 1.4, 2.1 to 2.6 and 3.1; its calls are in pptp-calls.ts. The originator opens
// it, as the PNS or as a PAC with a call to announce; the receiver is asked for it.
//
//   idle --open--> wait-ctl-request (receiver) --SCCRQ/SCCRP--> established --stop/Stop-CCRQ--> wait-stop-reply --> closed
//        --open/SCCRQ--> wait-ctl-reply (originator) --SCCRP-----> established --Stop-CCRQ/Stop-CCRP--------------> closed
//
// Section 3: a malformed message, or one that does not fit the state, ends the connection, and with it every call. A
// message for a call that does not exist does not: it may have crossed the end of that call. Which of two connections that
// collide goes on (section 3.1.3) is for `deps.collide` to say; the one not used waits in `wait-close`, without a word.

import { readU32 } from '../bytes/bytes.ts';
import type { ClearReason } from '../ports/control.ts';
import { after, earliest, type Instant } from '../time.ts';
import { ControlStream } from '../wire/control-stream.ts';
import type { PptpMessage } from '../wire/pptp-message.ts';
import {
  BEARER,
  describeResult,
  ECHO_RESULT,
  FRAMING,
  GENERAL_ERROR,
  START_RESULT,
  STOP_REASON,
  STOP_RESULT,
} from '../wire/pptp-message-codes.ts';
import type {
  EchoReply,
  StartControlConnectionReply,
  StartControlConnectionRequest,
} from '../wire/pptp-message-connection.ts';
import { PPTP_VERSION } from '../wire/pptp-message-fields.ts';
import type { ControlSnapshot } from './control-snapshot.ts';
import type { Machine } from './machine.ts';
import { PptpCalls } from './pptp-calls.ts';
import { YIELDED } from './pptp-collision.ts';
import { ControlOutput } from './pptp-control-output.ts';
import { peerOf } from './pptp-control-peer.ts';
import {
  CONTROL_DEFAULTS,
  type ControlDeps,
  type ControlEffect,
  type ControlInput,
  type ControlOptions,
  type ControlRole,
  type ControlStopReason,
} from './pptp-control-types.ts';
import { TimerTable } from './timer-table.ts';

export const CONTROL_STATES = [
  'idle',
  'wait-ctl-request',
  'wait-ctl-reply',
  'wait-close',
  'established',
  'wait-stop-reply',
  'closed',
] as const;
export type ControlState = (typeof CONTROL_STATES)[number];

type TimerKind = 'start' | 'echo' | 'echo-reply' | 'stop-reply';

type GivenOptions = { readonly role: ControlRole } & Partial<ControlOptions>;

/** Very many connections are given the same options: they share what is made of them. */
const complete = new WeakMap<GivenOptions, ControlOptions>();

const completed = (given: GivenOptions): ControlOptions => {
  const options = complete.get(given) ?? { ...CONTROL_DEFAULTS, originates: given.role === 'pns', ...given };
  complete.set(given, options);
  return options;
};

export class PptpControl implements Machine<ControlInput, ControlEffect> {
  private readonly options: ControlOptions;
  private readonly deps: ControlDeps;
  private readonly out: ControlOutput;
  private readonly calls: PptpCalls;
  private readonly stream = new ControlStream();
  private readonly timers = new TimerTable<TimerKind>();
  private current: ControlState = 'idle';
  private echoIdentifier: number;
  private refusal = 'no new calls are taken';

  constructor(deps: ControlDeps, options: GivenOptions) {
    this.options = completed(options);
    this.deps = deps;
    this.out = new ControlOutput(deps);
    this.calls = new PptpCalls(deps, this.options, this.out);
    this.echoIdentifier = readU32(deps.random.bytes(4), 0);
  }

  /** An established connection that goes on where another one was, on the same clock. */
  static restored(deps: ControlDeps, options: GivenOptions, snapshot: ControlSnapshot): PptpControl {
    const control = new PptpControl(deps, options);
    control.current = 'established';
    control.echoIdentifier = snapshot.echoIdentifier;
    for (const { name, at } of snapshot.timers) control.timers.set(name, at);
    control.calls.restore(snapshot.book);
    // What is no beginning of a message is found out with the next octets.
    control.stream.receive(snapshot.unread, () => false);
    return control;
  }

  /** Undefined: it is not established, or ends. Between inputs. */
  snapshot(): ControlSnapshot | undefined {
    const unread = this.stream.unread();
    if (this.current !== 'established' || unread === undefined) return undefined;
    return { unread, timers: this.timers.all(), echoIdentifier: this.echoIdentifier, book: this.calls.snapshot() };
  }

  get state(): ControlState {
    return this.current;
  }

  /** Calls in any state, those that wait for their last reply included. */
  get callCount(): number {
    return this.calls.size;
  }

  /** Octets kept for an unfinished message. */
  get buffered(): number {
    return this.stream.buffered;
  }

  handle(input: ControlInput, now: Instant): readonly ControlEffect[] {
    switch (input.kind) {
      case 'open':
        if (this.current === 'idle') this.begin(now);
        break;
      case 'bytes':
        this.handleBytes(input.bytes, now);
        break;
      case 'closed':
        this.end('control-lost', input.detail, true);
        break;
      case 'clear-call':
        if (this.current === 'established') this.calls.clear(input.localCallId, input.reason, input.detail, now);
        break;
      case 'place-call':
        this.calls.place(input.tag, input.phoneNumber ?? '', this.current === 'established', now);
        break;
      case 'place-incoming-call':
        this.calls.placeIncoming(input.tag, input.numbers ?? {}, this.current === 'established', now);
        break;
      case 'yield':
        if (this.current === 'idle' || this.current === 'wait-ctl-reply') this.end('control-lost', YIELDED, false);
        break;
      case 'wan-error':
        if (this.current === 'established') this.calls.wanError(input.localCallId, input.errors, now);
        break;
      case 'set-link-info':
        if (this.current === 'established') {
          this.calls.setLinkInfo(input.localCallId, input.sendAccm, input.receiveAccm);
        }
        break;
      case 'stop':
        this.beginStop(input.reason, now);
        break;
      case 'refuse-calls':
        this.refusal = input.why ?? this.refusal;
        this.calls.refuseCalls();
        break;
      case 'accept-calls':
        this.calls.acceptCalls();
        break;
    }
    return this.out.take();
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.timers.next(), this.calls.nextTimeout());
  }

  handleTimeout(now: Instant): readonly ControlEffect[] {
    if (this.timers.expire('start', now)) {
      this.fail('control.start-timeout', `The control connection was not established within ${this.seconds()}.`);
    } else if (this.timers.expire('echo-reply', now)) {
      this.fail('control.echo-timeout', 'The peer did not answer Echo-Request.');
    } else if (this.timers.expire('stop-reply', now)) {
      this.end('shutdown', 'The peer did not answer Stop-Control-Connection-Request.', true);
    } else {
      if (this.timers.expire('echo', now)) this.sendEchoRequest(now);
      const overdue = this.calls.handleTimeout(now);
      if (overdue !== undefined) this.fail('control.reply-timeout', `The control connection is stuck: ${overdue}.`);
    }
    return this.out.take();
  }

  private seconds(): string {
    return `${this.options.startTimeoutMs / 1000} s`;
  }

  /** The only place that changes the state; a state begins with its own timer. */
  private enter(state: ControlState, timer?: TimerKind, when?: Instant): void {
    this.current = state;
    this.timers.clearAll();
    if (timer !== undefined && when !== undefined) this.timers.set(timer, when);
  }

  private begin(now: Instant): void {
    if (!this.options.originates) {
      this.enter('wait-ctl-request', 'start', after(now, this.options.startTimeoutMs));
      return;
    }
    this.out.send({
      kind: 'start-control-connection-request',
      protocolVersion: PPTP_VERSION,
      framingCapabilities: FRAMING.either,
      bearerCapabilities: BEARER.any,
      maximumChannels: 0,
      firmwareRevision: this.options.firmwareRevision,
      hostName: this.options.hostName,
      vendorName: this.options.vendorName,
    });
    this.enter('wait-ctl-reply', 'start', after(now, this.options.startTimeoutMs));
  }

  private handleBytes(bytes: Uint8Array, now: Instant): void {
    if (this.current === 'idle' || this.current === 'closed') return;
    const fault = this.stream.receive(bytes, (message) => {
      this.handleMessage(message, now);
      return this.open();
    });
    if (fault !== undefined && this.open()) {
      this.fail('control.bad-message', `The peer sent octets that are no PPTP control message (${fault}).`);
    }
  }

  private open(): boolean {
    return this.current !== 'closed';
  }

  private handleMessage(message: PptpMessage, now: Instant): void {
    this.deps.seen?.('in', message);
    switch (this.current) {
      case 'wait-ctl-request':
        if (message.kind === 'start-control-connection-request') {
          this.handleStartRequest(message, now);
          return;
        }
        this.outOfState(message);
        return;
      case 'wait-ctl-reply':
        if (message.kind === 'start-control-connection-reply') {
          this.handleStartReply(message, now);
          return;
        }
        this.outOfState(message);
        return;
      case 'established':
        this.handleEstablished(message, now);
        return;
      case 'wait-stop-reply':
        this.handleStopping(message);
        return;
      case 'idle':
      case 'wait-close':
      case 'closed':
        return;
    }
  }

  private handleEstablished(message: PptpMessage, now: Instant): void {
    // An Echo-Request of ours that is not answered yet goes on waiting for its own reply (section 3.1.4).
    if (!this.awaitsEchoReply) this.timers.set('echo', after(now, this.options.echoIntervalMs));
    switch (message.kind) {
      case 'start-control-connection-request':
        // Section 2.2, result 3. Nothing is lost by going on, and the calls that are up live.
        if (this.options.originates) {
          this.outOfState(message);
          return;
        }
        this.out.note('warn', 'control.duplicate-start', 'The peer started an established control connection again.');
        this.sendStartReply(START_RESULT.channelExists);
        return;
      case 'start-control-connection-reply':
      case 'stop-control-connection-reply':
        this.outOfState(message);
        return;
      case 'stop-control-connection-request':
        this.handleStopRequest(message.reason);
        return;
      case 'echo-request':
        this.answerEcho(message.identifier);
        return;
      case 'echo-reply':
        this.handleEchoReply(message, now);
        return;
      default:
        this.calls.handleMessage(message, now);
        return;
    }
  }

  /** Messages that crossed our Stop-Control-Connection-Request say nothing any more. */
  private handleStopping(message: PptpMessage): void {
    if (message.kind === 'stop-control-connection-request') {
      this.handleStopRequest(message.reason);
      return;
    }
    if (message.kind !== 'stop-control-connection-reply') return;
    if (message.resultCode !== STOP_RESULT.ok) {
      const result = describeResult('stop', message.resultCode, message.errorCode);
      this.out.note('info', 'control.stop-refused', `The peer did not agree to stop: ${result}.`);
    }
    this.end('shutdown', 'Stopped by us.', false);
  }

  private handleStartRequest(m: StartControlConnectionRequest, now: Instant): void {
    const peer = peerOf(m);
    if (this.deps.collide?.() === 'won') {
      this.out.note('info', 'control.collision', 'Both sides asked for a control connection; ours goes on.');
      this.enter('wait-close', 'start', after(now, this.options.startTimeoutMs));
      return;
    }
    // Section 3.1.2: a later version than ours is answered with ours and accepted; an earlier one does not exist.
    if (m.protocolVersion < PPTP_VERSION) {
      this.sendStartReply(START_RESULT.versionNotSupported);
      const detail = `The peer's protocol version 0x${m.protocolVersion.toString(16)} is not supported.`;
      this.out.note('warn', 'control.version', detail);
      this.end('control-lost', detail, false);
      return;
    }
    if (this.calls.refusesCalls) {
      this.sendStartReply(START_RESULT.generalError, GENERAL_ERROR.noResource);
      this.out.note('info', 'control.refused', `Refused a control connection: ${this.refusal}.`);
      this.end('control-lost', `Refused: ${this.refusal}.`, false);
      return;
    }
    this.sendStartReply(START_RESULT.successful);
    this.enter('established', 'echo', after(now, this.options.echoIntervalMs));
    this.out.push({ kind: 'established', peer });
  }

  private sendStartReply(resultCode: number, errorCode: number = GENERAL_ERROR.none): void {
    this.out.send({
      kind: 'start-control-connection-reply',
      protocolVersion: PPTP_VERSION,
      resultCode,
      errorCode,
      framingCapabilities: FRAMING.either,
      bearerCapabilities: BEARER.any,
      maximumChannels: this.options.maxCalls,
      firmwareRevision: this.options.firmwareRevision,
      hostName: this.options.hostName,
      vendorName: this.options.vendorName,
    });
  }

  private handleStartReply(m: StartControlConnectionReply, now: Instant): void {
    if (m.resultCode !== START_RESULT.successful) {
      const detail = `Start-Control-Connection-Reply: ${describeResult('start', m.resultCode, m.errorCode)}`;
      this.out.note('warn', 'control.refused', `The server refused the control connection: ${detail}.`, {
        resultCode: m.resultCode,
        errorCode: m.errorCode,
      });
      this.end('control-lost', detail, false);
      return;
    }
    if (m.protocolVersion < PPTP_VERSION) {
      this.out.note('warn', 'control.version', "The server's protocol version is not supported.");
      this.sendStop(STOP_REASON.protocol, now);
      return;
    }
    this.enter('established', 'echo', after(now, this.options.echoIntervalMs));
    this.out.push({ kind: 'established', peer: peerOf(m) });
  }

  private handleStopRequest(reason: number): void {
    this.out.send({ kind: 'stop-control-connection-reply', resultCode: STOP_RESULT.ok, errorCode: GENERAL_ERROR.none });
    this.end('peer-request', `Stop-Control-Connection-Request: ${describeResult('stopReason', reason)}`, false);
  }

  private get awaitsEchoReply(): boolean {
    return this.timers.isSet('echo-reply');
  }

  private sendEchoRequest(now: Instant): void {
    this.echoIdentifier = (this.echoIdentifier + 1) >>> 0;
    this.out.send({ kind: 'echo-request', identifier: this.echoIdentifier });
    this.timers.set('echo-reply', after(now, this.options.echoTimeoutMs));
  }

  private answerEcho(identifier: number): void {
    const errorCode = GENERAL_ERROR.none;
    this.out.send({ kind: 'echo-reply', identifier, resultCode: ECHO_RESULT.ok, errorCode });
  }

  private handleEchoReply(m: EchoReply, now: Instant): void {
    if (!this.awaitsEchoReply || m.identifier !== this.echoIdentifier) {
      this.out.note('debug', 'control.stray-echo-reply', 'An Echo-Reply that answers no Echo-Request of ours.');
      return;
    }
    if (m.resultCode !== ECHO_RESULT.ok) {
      // It says that the peer is there, which is all we asked.
      const result = describeResult('echo', m.resultCode, m.errorCode);
      this.out.note('debug', 'control.echo-result', `Echo-Reply with ${result}.`);
    }
    this.timers.clear('echo-reply');
    this.timers.set('echo', after(now, this.options.echoIntervalMs));
  }

  private beginStop(reason: ControlStopReason, now: Instant): void {
    if (this.current === 'closed' || this.current === 'wait-stop-reply') return;
    if (this.current !== 'established') {
      this.end('shutdown', 'Stopped before it was established.', false);
      return;
    }
    const shutdown = reason === 'shutdown';
    this.calls.clearAll(shutdown ? 'shutdown' : 'administrative', 'The control connection is stopped.', true);
    this.sendStop(shutdown ? STOP_REASON.localShutdown : STOP_REASON.none, now);
  }

  private sendStop(reason: number, now: Instant): void {
    this.out.send({ kind: 'stop-control-connection-request', reason });
    this.enter('wait-stop-reply', 'stop-reply', after(now, this.options.stopTimeoutMs));
  }

  private outOfState(message: PptpMessage): void {
    this.fail('control.out-of-state', `${message.kind} does not fit the state ${this.current}.`);
  }

  private fail(event: string, detail: string): void {
    this.out.note('warn', event, detail);
    this.end('control-lost', detail, true);
  }

  private end(reason: ClearReason, detail: string, abort: boolean): void {
    if (this.current === 'closed') return;
    this.calls.clearAll(reason, detail, false);
    this.enter('closed');
    this.out.push({ kind: 'close', abort, detail });
  }
}
