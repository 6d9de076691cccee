import type { Socket } from 'node:net';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { NoteBudget } from '../../core/machine/note-budget.ts';
import type { CollisionOutcome } from '../../core/machine/pptp-collision.ts';
import { PptpControl } from '../../core/machine/pptp-control.ts';
import type {
  CallRefusal,
  ControlDeps,
  ControlEffect,
  ControlInput,
  ControlOptions,
} from '../../core/machine/pptp-control-types.ts';
import type { Direction } from '../../core/outcome.ts';
import type { CallEvent } from '../../core/ports/control.ts';
import type { CallEndpoint, CallId, CallIds } from '../../core/ports/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Attributes } from '../../core/ports/telemetry.ts';
import { after, earliest, type Instant } from '../../core/time.ts';
import type { PptpMessage } from '../../core/wire/pptp-message.ts';
import { ConnectionRecord, type RecordHost } from './connection-record.ts';
import type { ConnectionSnapshot } from './connection-snapshot.ts';
import type { ConnectionStanding } from './connection-source.ts';
import { holdSocket, readOn } from './held-socket.ts';
import type { ControlPptpOptions } from './options.ts';
import type { Applicant, SetupAdmission, SetupRefusal } from './setup-admission.ts';

/** What a connection needs and whom it tells: one for all connections, of which there are very many. */
export interface ConnectionHost extends RecordHost {
  readonly log: Log;
  readonly callIds: CallIds;
  readonly random: RandomSource;
  readonly options: ControlPptpOptions;
  /** Of the machines. */
  readonly control: Pick<ControlOptions, 'role'> & Partial<ControlOptions>;
  /** Shared by all connections that are not established, since a scanner opens many. */
  readonly strangerNotes: NoteBudget;
  /** As in `ControlDeps`. */
  admit(connection: ControlConnection): CallRefusal | undefined;
  collide(connection: ControlConnection): CollisionOutcome;
  call(connection: ControlConnection, event: CallEvent): void;
  /** Something worth counting happened; names and attributes are from small sets. */
  count(name: string, attributes?: Attributes): void;
  /** An Echo-Request of ours was answered after so long. */
  roundTrip(milliseconds: number): void;
  /** When the connection wants time next; undefined: never. */
  deadline(connection: ControlConnection, when: Instant | undefined): void;
  /** The peer has a control connection; the result is called when it has gone. */
  served(connection: ControlConnection): () => void;
  /** Who may begin a set-up, and when. */
  readonly admission: SetupAdmission;
  /** How far it is. */
  standing(connection: ControlConnection, standing: ConnectionStanding): void;
  /** Its set-up could not begin. */
  turnedAway(connection: ControlConnection, why: SetupRefusal): void;
  /** The socket is gone and nothing follows. */
  ended(connection: ControlConnection): void;
}

/** Octets that are kept of a peer that waits: requests for a connection and for some calls. More is no client. */
const MOST_KEPT = 4096;
/** Pieces in which they come: one of a single octet takes as much room as one of hundreds. */
const MOST_PIECES = 64;
const TOO_MUCH: ControlInput = {
  kind: 'closed',
  detail: 'The peer went on without the reply to its request for a control connection.',
};

const TURNED_AWAY: Readonly<Record<SetupRefusal, string>> = {
  'limit-setup-queue': 'too many clients wait for their set-up to begin',
  'limit-setup-wait': 'its set-up could not begin in time',
};

const MADE_ROOM = 'Ended for another connection: as many as may be wait for their user to log in.';

const NOTHING = (): void => undefined;

/** What was before the connection. */
interface Past {
  /** A user has logged in from there. */
  readonly isKnown?: boolean;
  /** What it was in the process before. */
  readonly earlier?: ConnectionSnapshot;
}

/**
 * One TCP connection and its machine: executes the machine's effects in order. The methods of `ControlDeps` are for its
 * machine.
 */
export class ControlConnection implements ControlDeps, Applicant {
  readonly peerName: string;
  readonly local: Ipv4;
  readonly peer: Ipv4;
  readonly isKnown: boolean;
  readonly socket: Socket;
  private readonly machine: PptpControl;
  private readonly host: ConnectionHost;
  /** Made for the first note of an established connection. */
  private notes: NoteBudget | undefined;
  private readonly record: ConnectionRecord;
  /** The machine's last word, better than what the transport says. */
  private farewell: string | undefined;
  /** Inputs that arrived while effects were executed, such as a `clear` from a subscriber of `opened`. */
  private readonly waiting: ControlInput[] = [];
  private executing = false;
  /** When the first octet of the peer arrived. */
  private since: Instant | undefined;
  /** What the peer said before its set-up may begin; empty before it has said anything, undefined afterwards. */
  private kept: Uint8Array[] | undefined = [];
  /** Its set-up may not begin yet. */
  private waits = false;
  private established = false;
  private closing = false;
  private lingerUntil: Instant | undefined;
  /** There must be a call whose user has proven itself by then; undefined: there is one, or none is wanted. */
  private callBy: Instant | undefined;
  private calls = 0;
  /** Of them: their user has proven itself. */
  private provenCalls = 0;
  private gone = NOTHING;
  private frozen = false;

  constructor(socket: Socket, local: Ipv4, peer: Ipv4, host: ConnectionHost, { isKnown = false, earlier }: Past = {}) {
    this.socket = socket;
    this.local = local;
    this.peer = peer;
    this.peerName = `${formatIpv4(peer)}:${socket.remotePort ?? 0}`;
    this.host = host;
    this.isKnown = isKnown;
    this.record = new ConnectionRecord(host);
    if (earlier === undefined) {
      this.machine = new PptpControl(this, host.control);
      return;
    }
    this.machine = PptpControl.restored(this, host.control, earlier.machine);
    this.record.restore(earlier);
    this.since = earlier.since;
    this.kept = undefined;
    this.established = true;
    this.frozen = true;
    this.calls = earlier.machine.book.calls.filter(({ state }) => state === 'established').length;
  }

  get callIds(): CallIds {
    return this.host.callIds;
  }

  get random(): RandomSource {
    return this.host.random;
  }

  admit(): CallRefusal | undefined {
    return this.host.admit(this);
  }

  collide(): CollisionOutcome {
    return this.host.collide(this);
  }

  seen(direction: Direction, message: PptpMessage): void {
    this.record.seen(direction, message);
    this.host.count('control.message', { message: message.kind, direction });
  }

  /**
   * Reads and says nothing until `thaw`. False: what was said last is still on its way to a peer that does not read, so
   * that nobody else can go on here.
   */
  freeze(): boolean {
    this.frozen = true;
    return holdSocket(this.socket) && this.socket.writableLength === 0;
  }

  thaw(): void {
    this.frozen = false;
    readOn(this.socket);
    this.drain();
  }

  /** Undefined: it is not established, or ends. */
  snapshot(): ConnectionSnapshot | undefined {
    const machine = this.closing || this.executing ? undefined : this.machine.snapshot();
    if (machine === undefined) return undefined;
    const { peerName, local, peer, since } = this;
    const { hostName, vendorName } = this.record.peerSays;
    return { peerName, local, peer, since, hostName, vendorName, machine };
  }

  /** Calls that are open. */
  openCalls(): readonly CallEndpoint[] {
    const calls = this.machine.snapshot()?.book.calls ?? [];
    return calls.flatMap(({ localCallId, peerCallId, state }) =>
      peerCallId === undefined || state !== 'established' ? [] : [this.endpoint(localCallId, peerCallId)],
    );
  }

  /** In a process that takes over: from now on it is this one's. */
  resume(): void {
    this.frozen = false;
    this.gone = this.host.served(this);
    if (this.provenCalls === 0) this.awaitCall();
    this.begin();
    readOn(this.socket);
  }

  /** Another process has it: closes this one's copy of the socket, and tells nobody. */
  abandon(): void {
    this.frozen = true;
    this.socket.removeAllListeners();
    this.socket.on('error', NOTHING);
    this.socket.destroy();
  }

  begin(): void {
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.receive(chunk));
    this.socket.on('end', () => this.handle({ kind: 'closed', detail: 'The peer closed the TCP connection.' }));
    this.socket.on('error', (error) => this.handle({ kind: 'closed', detail: `TCP error: ${error.message}` }));
    this.socket.on('close', () => {
      this.handle({ kind: 'closed', detail: 'The TCP connection is closed.' });
      this.host.admission.leave(this);
      this.tellOfNoCall();
      this.host.ended(this);
    });
    this.handle({ kind: 'open' });
  }

  handle(input: ControlInput): void {
    if (input.kind === 'stop') this.record.stopped();
    this.waiting.push(input);
    this.drain();
  }

  nextTimeout(): Instant | undefined {
    // A call that is being set up has the time that a set-up may take.
    const callBy = this.calls === 0 ? this.callBy : undefined;
    return earliest(this.machine.nextTimeout(), earliest(this.lingerUntil, callBy));
  }

  handleTimeout(now: Instant): void {
    if (this.lingerUntil !== undefined && this.lingerUntil <= now) this.abort();
    this.run(() => this.machine.handleTimeout(now));
    if (this.calls === 0 && this.callBy !== undefined && this.callBy <= now) this.endIdle();
    this.drain();
  }

  /** The user of one of its calls has proven itself. */
  callProven(): void {
    this.provenCalls += 1;
    this.callBy = undefined;
    this.host.standing(this, 'proven');
    this.host.deadline(this, this.nextTimeout());
  }

  /** It has to make room for another one, unless its user has proven itself before that was heard of. */
  evict(): void {
    if (this.provenCalls > 0) return;
    this.record.noted('control.made-room', MADE_ROOM);
    this.handle({ kind: 'closed', detail: MADE_ROOM });
    this.abort();
  }

  /** Ends the socket without any more ado; `ended` follows. */
  abort(): void {
    this.lingerUntil = undefined;
    this.socket.destroy();
  }

  goAhead(): void {
    const kept = this.kept ?? [];
    this.kept = undefined;
    if (this.waits) this.host.standing(this, 'goes-on');
    this.waits = false;
    for (const bytes of kept) this.handle({ kind: 'bytes', bytes });
  }

  /** Says so in the reply to the request for a control connection, and closes. */
  turnAway(why: SetupRefusal): void {
    this.host.turnedAway(this, why);
    this.handle({ kind: 'refuse-calls', why: TURNED_AWAY[why] });
    this.goAhead();
  }

  private receive(chunk: Uint8Array): void {
    if (this.closing) return;
    this.since ??= this.host.now();
    if (this.kept === undefined) this.handle({ kind: 'bytes', bytes: chunk });
    else this.keep(this.kept, chunk);
  }

  /** Who connects and says nothing takes no place and no turn. */
  private keep(kept: Uint8Array[], chunk: Uint8Array): void {
    kept.push(chunk);
    if (kept.length === 1) {
      this.host.admission.ask(this);
      this.waits = this.kept !== undefined;
      if (this.waits) this.host.standing(this, 'waits');
    } else if (kept.length > MOST_PIECES || kept.reduce((octets, { length }) => octets + length, 0) > MOST_KEPT) {
      this.handle(TOO_MUCH);
      this.abort();
    }
  }

  private drain(): void {
    if (this.executing || this.frozen) return;
    for (let input = this.waiting.shift(); input !== undefined; input = this.waiting.shift()) {
      const next = input;
      this.run(() => this.machine.handle(next, this.host.now()));
    }
    this.host.deadline(this, this.nextTimeout());
  }

  /** One step of the machine at a time, with all that follows from it. */
  private run(step: () => readonly ControlEffect[]): void {
    this.executing = true;
    try {
      this.execute(step());
    } finally {
      this.executing = false;
    }
  }

  private execute(effects: readonly ControlEffect[]): void {
    this.socket.cork();
    try {
      for (const effect of effects) this.perform(effect);
    } finally {
      this.socket.uncork();
    }
    if (this.socket.writableLength > this.host.options.maxWriteBuffer && !this.closing) {
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
        this.awaitCall();
        this.gone = this.host.served(this);
        this.log.info('control.established', 'A control connection is up.', { ...effect.peer });
        this.host.count('control.established');
        break;
      case 'call-opened':
        this.calls += 1;
        this.host.call(this, {
          kind: 'opened',
          call: this.endpoint(effect.localCallId, effect.peerCallId),
          peerName: this.peerName,
          window: effect.window,
          processingDelay: effect.processingDelay,
          ...this.record.callOpened(effect.localCallId, effect.peerCallId, this.since ?? this.host.now()),
        });
        break;
      case 'call-closed':
        this.host.call(this, {
          kind: 'closed',
          call: this.endpoint(effect.localCallId, effect.peerCallId),
          reason: effect.reason,
          detail: effect.detail,
          control: this.record.callClosed(effect.localCallId, effect.peerCallId),
        });
        this.calls -= 1;
        break;
      case 'link-info':
        this.host.call(this, {
          kind: 'link-info',
          call: this.endpoint(effect.localCallId, effect.peerCallId),
          sendAccm: effect.sendAccm,
          receiveAccm: effect.receiveAccm,
        });
        break;
      case 'note':
        this.note(effect.level, effect.event, effect.message, effect.fields);
        if (effect.level === 'warn') this.host.count(effect.event);
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
    this.kept = undefined;
    this.host.admission.leave(this);
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
    this.lingerUntil = after(this.host.now(), this.host.options.lingerMs);
  }

  /** A call has ended that was proven, or was not. */
  callEnded(wasProven: boolean): void {
    if (!wasProven) return;
    this.provenCalls -= 1;
    if (this.provenCalls === 0) this.awaitCall();
  }

  private awaitCall(): void {
    const { idleMs } = this.host.options;
    if (idleMs > 0) this.callBy = after(this.host.now(), idleMs);
  }

  private endIdle(): void {
    this.callBy = undefined;
    const seconds = this.host.options.idleMs / 1000;
    this.note('info', 'control.no-call-in-time', `No user has logged in on this control connection for ${seconds} s.`);
    this.handle({ kind: 'stop', reason: 'none' });
  }

  private tellOfNoCall(): void {
    const record = this.record.withoutCall(this.established, this.farewell ?? 'The TCP connection is closed.');
    if (record === undefined) return;
    const { local, peer, peerName, since } = this;
    this.host.call(this, { kind: 'no-call', local, peer, peerName, since, ...record });
  }

  /** Made for each of its few lines. */
  private get log(): Log {
    return this.host.log.child({ peer: this.peerName });
  }

  private endpoint(localCallId: CallId, peerCallId: CallId): CallEndpoint {
    return { local: this.local, peer: this.peer, localCallId, peerCallId };
  }

  private note(level: 'debug' | 'info' | 'warn', event: string, message: string, fields: Record<string, unknown> = {}) {
    this.record.noted(event, message);
    if (this.established) this.notes ??= new NoteBudget(this.host.options.maxNotesPerMinute, 60_000);
    const budget = this.notes ?? this.host.strangerNotes;
    const missed = budget.take(this.host.now());
    if (missed === undefined) return;
    this.log[level](event, message, missed > 0 ? { ...fields, notLogged: missed } : fields);
  }
}
