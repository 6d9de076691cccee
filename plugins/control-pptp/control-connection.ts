import type { Socket } from 'node:net';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { NoteBudget } from '../../core/machine/note-budget.ts';
import { PptpControl } from '../../core/machine/pptp-control.ts';
import type { ControlDeps, ControlEffect, ControlInput } from '../../core/machine/pptp-control-types.ts';
import type { CallEvent } from '../../core/ports/control.ts';
import type { CallEndpoint, CallId } from '../../core/ports/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Attributes } from '../../core/ports/telemetry.ts';
import { after, earliest, type Instant } from '../../core/time.ts';
import { ConnectionRecord } from './connection-record.ts';
import type { ControlPptpOptions } from './options.ts';

/** What a connection tells the plug-in. */
export interface ConnectionEvents {
  now(): Instant;
  call(event: CallEvent): void;
  /** Something worth counting happened; names and attributes are from small sets. */
  count(name: string, attributes?: Attributes): void;
  /** An Echo-Request of ours was answered after so long. */
  roundTrip(milliseconds: number): void;
  /** Shared by all connections that are not established, since a scanner opens many. */
  readonly strangerNotes: NoteBudget;
  /** When the connection wants time next; undefined: never. */
  deadline(when: Instant | undefined): void;
  /** The peer has a control connection; the result is called when it has gone. */
  served(): () => void;
  /** The socket is gone and nothing follows. */
  ended(): void;
}

/** One TCP connection and its machine: executes the machine's effects in order. */
export class ControlConnection {
  readonly peerName: string;
  readonly local: Ipv4;
  readonly peer: Ipv4;
  private readonly socket: Socket;
  private readonly machine: PptpControl;
  private readonly events: ConnectionEvents;
  private readonly log: Log;
  private readonly options: ControlPptpOptions;
  private readonly notes: NoteBudget;
  private readonly record: ConnectionRecord;
  /** The machine's last word, better than what the transport says. */
  private farewell: string | undefined;
  /** Inputs that arrived while effects were executed, such as a `clear` from a subscriber of `opened`. */
  private readonly waiting: ControlInput[] = [];
  private executing = false;
  /** When the first octet of the peer arrived. */
  private since: Instant | undefined;
  private established = false;
  private closing = false;
  private lingerUntil: Instant | undefined;
  private gone: () => void = () => undefined;

  constructor(
    socket: Socket,
    addresses: { readonly local: Ipv4; readonly peer: Ipv4 },
    deps: ControlDeps & { readonly log: Log },
    options: ControlPptpOptions,
    events: ConnectionEvents,
  ) {
    this.socket = socket;
    this.local = addresses.local;
    this.peer = addresses.peer;
    this.peerName = `${formatIpv4(addresses.peer)}:${socket.remotePort ?? 0}`;
    this.options = options;
    this.events = events;
    this.record = new ConnectionRecord(
      () => events.now(),
      (milliseconds) => events.roundTrip(milliseconds),
    );
    this.notes = new NoteBudget(options.maxNotesPerMinute, 60_000);
    this.log = deps.log.child({ peer: this.peerName });
    const seen: ControlDeps['seen'] = (direction, message) => {
      this.record.seen(direction, message);
      events.count('control.message', { message: message.kind, direction });
    };
    this.machine = new PptpControl({ ...deps, seen }, { ...options.control, role: 'pac' });
  }

  begin(): void {
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.receive(chunk));
    this.socket.on('end', () => this.handle({ kind: 'closed', detail: 'The peer closed the TCP connection.' }));
    this.socket.on('error', (error) => this.handle({ kind: 'closed', detail: `TCP error: ${error.message}` }));
    this.socket.on('close', () => {
      this.handle({ kind: 'closed', detail: 'The TCP connection is closed.' });
      this.tellOfNoCall();
      this.events.ended();
    });
    this.handle({ kind: 'open' });
  }

  handle(input: ControlInput): void {
    if (input.kind === 'stop') this.record.stopped();
    this.waiting.push(input);
    this.drain();
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.machine.nextTimeout(), this.lingerUntil);
  }

  handleTimeout(now: Instant): void {
    if (this.lingerUntil !== undefined && this.lingerUntil <= now) this.abort();
    this.execute(this.machine.handleTimeout(now));
    this.drain();
  }

  /** Ends the socket without any more ado; `ended` follows. */
  abort(): void {
    this.lingerUntil = undefined;
    this.socket.destroy();
  }

  private receive(chunk: Uint8Array): void {
    if (this.closing) return;
    this.since ??= this.events.now();
    this.handle({ kind: 'bytes', bytes: chunk });
  }

  private drain(): void {
    if (this.executing) return;
    for (let input = this.waiting.shift(); input !== undefined; input = this.waiting.shift()) {
      this.execute(this.machine.handle(input, this.events.now()));
    }
    this.events.deadline(this.nextTimeout());
  }

  private execute(effects: readonly ControlEffect[]): void {
    this.executing = true;
    this.socket.cork();
    try {
      for (const effect of effects) this.perform(effect);
    } finally {
      this.socket.uncork();
      this.executing = false;
    }
    if (this.socket.writableLength > this.options.maxWriteBuffer && !this.closing) {
      this.note('warn', 'control.not-reading', 'The peer does not read its control connection; closing it.');
      this.waiting.push({ kind: 'closed', detail: 'The peer does not read its control connection.' });
      this.abort();
    }
  }

  private perform(effect: ControlEffect): void {
    switch (effect.kind) {
      case 'send':
        if (!this.closing && this.socket.writable) this.socket.write(effect.bytes);
        break;
      case 'close':
        this.close(effect.abort, effect.detail);
        break;
      case 'established':
        this.established = true;
        this.gone = this.events.served();
        this.log.info('control.established', 'A control connection is up.', { ...effect.peer });
        this.events.count('control.established');
        break;
      case 'call-opened':
        this.events.call({
          kind: 'opened',
          call: this.endpoint(effect.localCallId, effect.peerCallId),
          peerName: this.peerName,
          window: effect.window,
          processingDelay: effect.processingDelay,
          ...this.record.callOpened(effect.localCallId, effect.peerCallId, this.since ?? this.events.now()),
        });
        break;
      case 'call-closed':
        this.events.call({
          kind: 'closed',
          call: this.endpoint(effect.localCallId, effect.peerCallId),
          reason: effect.reason,
          detail: effect.detail,
          control: this.record.callClosed(effect.localCallId, effect.peerCallId),
        });
        break;
      case 'link-info':
        this.events.call({
          kind: 'link-info',
          call: this.endpoint(effect.localCallId, effect.peerCallId),
          sendAccm: effect.sendAccm,
          receiveAccm: effect.receiveAccm,
        });
        break;
      case 'note':
        this.note(effect.level, effect.event, effect.message, effect.fields);
        if (effect.level === 'warn') this.events.count(effect.event);
        break;
      case 'wan-errors':
        this.note('info', 'call.wan-errors', 'The peer reports errors of its link.', { ...effect.errors });
        break;
      case 'call-failed':
        // Only a client places calls.
        break;
    }
  }

  private close(abort: boolean, detail: string): void {
    if (this.closing) return;
    this.closing = true;
    this.farewell = detail;
    this.gone();
    // Port scanners come and go at any rate; only what was a control connection is worth a line.
    const level = this.established ? 'info' : 'debug';
    this.log[level]('control.closed', `The control connection is closed: ${detail}`);
    if (abort || this.socket.destroyed) {
      this.abort();
      return;
    }
    // The peer may still be sending: reading on keeps the kernel from resetting what we just wrote.
    this.socket.end();
    this.lingerUntil = after(this.events.now(), this.options.lingerMs);
  }

  private tellOfNoCall(): void {
    const record = this.record.withoutCall(this.established, this.farewell ?? 'The TCP connection is closed.');
    if (record === undefined) return;
    const { local, peer, peerName, since } = this;
    this.events.call({ kind: 'no-call', local, peer, peerName, since, ...record });
  }

  private endpoint(localCallId: CallId, peerCallId: CallId): CallEndpoint {
    return { local: this.local, peer: this.peer, localCallId, peerCallId };
  }

  private note(level: 'debug' | 'info' | 'warn', event: string, message: string, fields: Record<string, unknown> = {}) {
    this.record.noted(event, message);
    const budget = this.established ? this.notes : this.events.strangerNotes;
    const missed = budget.take(this.events.now());
    if (missed === undefined) return;
    this.log[level](event, message, missed > 0 ? { ...fields, notLogged: missed } : fields);
  }
}
