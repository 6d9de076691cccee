// The calls of one control connection (RFC 2637 sections 3.2.2 to 3.2.4). The server (PAC) knows one state of an outgoing
// call, established, since it answers an Outgoing-Call-Request at once; whoever asks waits for replies.
import type { WanErrors } from '../ports/control.ts';
import type { CallId } from '../ports/ids.ts';
import { after, earliest, type Instant } from '../time.ts';
import type { CallSnapshot, WanErrorSnapshot } from './control-snapshot.ts';

/**
 * RFC 2637 sections 3.2.3 and 3.2.4.2. `wait-connect`: PNS, an incoming call was accepted, Incoming-Call-Connected not
 * seen yet; `wait-disconnect`: Call-Clear-Request sent, Call-Disconnect-Notify not seen yet.
 */
export type PptpCallState = 'wait-reply' | 'wait-connect' | 'established' | 'wait-disconnect';

/** As the RFC names them: outgoing calls are asked for by the PNS, incoming ones by the PAC. */
export type PptpCallDirection = 'outgoing' | 'incoming';

/** Which end of one call we are: the PNS ends it with Call-Clear-Request, the PAC with Call-Disconnect-Notify. */
export type PptpCallSide = 'pac' | 'pns';

export class PptpCall {
  readonly localCallId: CallId;
  readonly serial: number;
  readonly direction: PptpCallDirection;
  /** The caller's mark on a call that we asked for; undefined for calls that the peer asked for. */
  readonly tag: number | undefined;
  state: PptpCallState;
  /** The peer's Call ID; undefined until its reply told it. */
  peerCallId: CallId | undefined;
  /** When the reply that `state` waits for is overdue. */
  replyBy: Instant | undefined;
  /** Made with the first errors. */
  private wanErrors: WanErrorLimit | undefined;

  constructor(init: {
    readonly localCallId: CallId;
    readonly serial: number;
    readonly state: PptpCallState;
    readonly direction?: PptpCallDirection;
    readonly tag?: number | undefined;
    readonly peerCallId?: CallId;
    readonly replyBy?: Instant;
  }) {
    this.localCallId = init.localCallId;
    this.serial = init.serial;
    this.state = init.state;
    this.direction = init.direction ?? 'outgoing';
    this.tag = init.tag;
    this.peerCallId = init.peerCallId;
    this.replyBy = init.replyBy;
  }

  static restored({ peerCallId, replyBy, wanErrors, ...rest }: CallSnapshot): PptpCall {
    const call = new PptpCall({
      ...rest,
      ...(peerCallId === undefined ? {} : { peerCallId }),
      ...(replyBy === undefined ? {} : { replyBy }),
    });
    call.wanErrors = wanErrors && WanErrorLimit.restored(wanErrors);
    return call;
  }

  snapshot(): CallSnapshot {
    const { localCallId, peerCallId, serial, direction, tag, state, replyBy, wanErrors } = this;
    return { localCallId, peerCallId, serial, direction, tag, state, replyBy, wanErrors: wanErrors?.snapshot() };
  }

  get side(): PptpCallSide {
    const weAsked = this.tag !== undefined;
    return weAsked === (this.direction === 'outgoing') ? 'pns' : 'pac';
  }

  /** New counters: those to tell the peer now, if any. */
  offerErrors(errors: WanErrors, now: Instant): WanErrors | undefined {
    this.wanErrors ??= new WanErrorLimit();
    return this.wanErrors.offer(errors, now);
  }

  /** Counters that were held back and may go now. */
  dueErrors(now: Instant): WanErrors | undefined {
    return this.wanErrors?.due(now);
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.replyBy, this.wanErrors?.nextTimeout());
  }
}

/** RFC 2637 section 2.14: only when an error occurs and not more than once every 60 seconds. */
const WAN_ERROR_INTERVAL_MS = 60_000;

const sameErrors = (a: WanErrors, b: WanErrors): boolean =>
  a.crc === b.crc &&
  a.framing === b.framing &&
  a.hardwareOverruns === b.hardwareOverruns &&
  a.bufferOverruns === b.bufferOverruns &&
  a.timeOuts === b.timeOuts &&
  a.alignment === b.alignment;

const NO_ERRORS: WanErrors = {
  crc: 0,
  framing: 0,
  hardwareOverruns: 0,
  bufferOverruns: 0,
  timeOuts: 0,
  alignment: 0,
};

/** Holds the newest counters back until the next Wan-Error-Notify may be sent. */
export class WanErrorLimit {
  private reported: WanErrors = NO_ERRORS;
  private pending: WanErrors | undefined;
  private openAt: Instant | undefined;

  static restored({ reported, pending, openAt }: WanErrorSnapshot): WanErrorLimit {
    const limit = new WanErrorLimit();
    limit.reported = reported;
    limit.pending = pending;
    limit.openAt = openAt;
    return limit;
  }

  snapshot(): WanErrorSnapshot {
    const { reported, pending, openAt } = this;
    return { reported, pending, openAt };
  }

  /** The counters to send now, or undefined when nothing changed or it is too early. */
  offer(errors: WanErrors, now: Instant): WanErrors | undefined {
    this.pending = sameErrors(errors, this.reported) ? undefined : errors;
    return this.due(now);
  }

  due(now: Instant): WanErrors | undefined {
    const errors = this.pending;
    if (errors === undefined || (this.openAt !== undefined && now < this.openAt)) return undefined;
    this.pending = undefined;
    this.reported = errors;
    this.openAt = after(now, WAN_ERROR_INTERVAL_MS);
    return errors;
  }

  nextTimeout(): Instant | undefined {
    return this.pending === undefined ? undefined : this.openAt;
  }
}

interface CallMaps {
  readonly byLocal: Map<number, PptpCall>;
  readonly byPeer: Map<number, PptpCall>;
}

/** Found by either Call ID; the two number spaces are independent. */
export class PptpCallTable {
  /** Nearly all of very many connections have one call at most: maps are made for the second. */
  private only: PptpCall | undefined;
  private maps: CallMaps | undefined;

  get size(): number {
    return this.maps?.byLocal.size ?? (this.only === undefined ? 0 : 1);
  }

  all(): readonly PptpCall[] {
    if (this.maps !== undefined) return [...this.maps.byLocal.values()];
    return this.only === undefined ? [] : [this.only];
  }

  add(call: PptpCall): void {
    if (this.size === 0) {
      this.only = call;
      return;
    }
    const maps = this.maps ?? mapsOf(this.all());
    enter(maps, call);
    this.maps = maps;
    this.only = undefined;
  }

  /** False when another call of this connection has that Call ID already. */
  learnPeerCallId(call: PptpCall, peerCallId: CallId): boolean {
    if (this.peer(peerCallId) !== undefined) return false;
    call.peerCallId = peerCallId;
    this.maps?.byPeer.set(peerCallId, call);
    return true;
  }

  remove(call: PptpCall): void {
    if (this.only === call) this.only = undefined;
    if (this.maps === undefined) return;
    this.maps.byLocal.delete(call.localCallId);
    if (call.peerCallId !== undefined) this.maps.byPeer.delete(call.peerCallId);
    if (this.maps.byLocal.size === 0) this.maps = undefined;
  }

  local(id: number): PptpCall | undefined {
    if (this.maps !== undefined) return this.maps.byLocal.get(id);
    return this.only?.localCallId === id ? this.only : undefined;
  }

  peer(id: number): PptpCall | undefined {
    if (this.maps !== undefined) return this.maps.byPeer.get(id);
    return this.only?.peerCallId === id ? this.only : undefined;
  }

  /**
   * The call that a Call-Disconnect-Notify means. The RFC puts the sender's Call ID there; accel-ppp, a PAC, puts the
   * receiver's. A call cleared before the reply told the PAC's Call ID is the only one without such an ID.
   */
  disconnected(id: number): PptpCall | undefined {
    const known = this.peer(id);
    if (known !== undefined) return known;
    const own = this.local(id);
    if (own?.side === 'pns') return own;
    const waiting = this.all().filter((call) => call.state === 'wait-disconnect' && call.peerCallId === undefined);
    return waiting.length === 1 ? waiting[0] : undefined;
  }

  nextTimeout(): Instant | undefined {
    let next: Instant | undefined;
    for (const call of this.all()) next = earliest(next, call.nextTimeout());
    return next;
  }
}

const enter = ({ byLocal, byPeer }: CallMaps, call: PptpCall): void => {
  byLocal.set(call.localCallId, call);
  if (call.peerCallId !== undefined) byPeer.set(call.peerCallId, call);
};

const mapsOf = (calls: readonly PptpCall[]): CallMaps => {
  const maps = { byLocal: new Map<number, PptpCall>(), byPeer: new Map<number, PptpCall>() };
  for (const call of calls) enter(maps, call);
  return maps;
};
