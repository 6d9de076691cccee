import { equalBytes } from '../bytes/bytes.ts';
import type { AuthContext, AuthDenial, AuthEffect, AuthInput, MppeKeyMaterial } from '../ports/auth.ts';
import { after, type Instant } from '../time.ts';
import { CHAP_PROTOCOL, parseChap, writeChap } from '../wire/chap.ts';
import type { Machine } from './machine.ts';

/** What a right Success gives. */
export interface ChapConfirmation {
  readonly keys?: MppeKeyMaterial;
}

interface ChapProven {
  /** Undefined: the Success does not prove what it has to, and the link must end. */
  confirm(message: string): ChapConfirmation | undefined;
  /** What a Failure means, or what to send because of it. */
  refused(message: string): AuthDenial | ChapChange;
}

/** The value of a Response. */
export interface ChapAnswer extends ChapProven {
  readonly value: Uint8Array;
}

/** A Change-Password packet. */
export interface ChapChange extends ChapProven {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface ChapPeerDialect {
  /** Undefined on a challenge that is none of this dialect. */
  answer(identifier: number, challenge: Uint8Array): ChapAnswer | undefined;
}

interface Pending {
  readonly identifier: number;
  /** Empty for a Change-Password packet. */
  readonly challenge: Uint8Array;
  readonly proven: ChapProven;
  readonly bytes: Uint8Array;
}

/**
 * What we sent is ours to repeat until it is answered: nobody asks again for a Change-Password packet, and nobody for a
 * Response whose Success was lost (RFC 1994 section 4.2) - the authenticator has gone on to the network protocols then.
 */
const REPEAT_INTERVAL_MS = 3000;
const MAX_REPEATS = 10;

/**
 * The peer's side of CHAP and its dialects. It answers every challenge, also later ones of an authenticator that asks
 * again while the link is up; keys come from the first exchange (RFC 3079 sections 2 and 3). Waiting has no time-out
 * here: both sides repeat, and the link ends an authentication that takes too long.
 */
export class ChapPeer implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly dialect: ChapPeerDialect;
  private pending: Pending | undefined;
  private again: { readonly at: Instant; readonly left: number } | undefined;
  private accepted = false;
  private over = false;

  constructor(context: AuthContext, dialect: ChapPeerDialect) {
    this.context = context;
    this.dialect = dialect;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    if (input.kind !== 'frame' || input.protocol !== CHAP_PROTOCOL || this.over) return [];
    const packet = parseChap(input.bytes);
    switch (packet?.kind) {
      case 'challenge':
        return this.challenge(packet.identifier, packet.value, now);
      case 'success':
        return this.success(packet.identifier, packet.message);
      case 'failure':
        return this.failure(packet.identifier, packet.message, now);
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return this.again?.at;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    const { again, pending } = this;
    if (again === undefined || pending === undefined || now < again.at) return [];
    if (again.left === 0) {
      this.again = undefined;
      // The link ends an authentication that takes too long; a password may have been changed or not.
      return pending.challenge.length > 0 ? [] : this.reject('timeout');
    }
    this.again = { at: after(now, REPEAT_INTERVAL_MS), left: again.left - 1 };
    return [send(pending.bytes)];
  }

  private challenge(identifier: number, challenge: Uint8Array, now: Instant): readonly AuthEffect[] {
    const { pending } = this;
    const repeated = pending?.identifier === identifier && equalBytes(pending.challenge, challenge);
    if (repeated && pending !== undefined) return [send(pending.bytes)];
    const answer = this.dialect.answer(identifier, challenge);
    if (answer === undefined) return [];
    const bytes = writeChap({ kind: 'response', identifier, value: answer.value, name: this.context.localName });
    this.pending = { identifier, challenge, proven: answer, bytes };
    this.again = { at: after(now, REPEAT_INTERVAL_MS), left: MAX_REPEATS - 1 };
    return [send(bytes)];
  }

  private success(identifier: number, message: string): readonly AuthEffect[] {
    const { pending } = this;
    if (pending === undefined || pending.identifier !== identifier) return [];
    this.again = undefined;
    const confirmation = pending.proven.confirm(message);
    if (confirmation === undefined) return this.reject('protocol', UNPROVEN);
    if (this.accepted) return [];
    this.accepted = true;
    const changed = pending.challenge.length === 0 ? { passwordChanged: true as const } : {};
    return [{ kind: 'accept', identity: this.context.localName, profile: {}, ...confirmation, ...changed }];
  }

  private failure(identifier: number, message: string, now: Instant): readonly AuthEffect[] {
    const { pending } = this;
    if (pending === undefined || pending.identifier !== identifier) return [];
    const next = pending.proven.refused(message);
    this.again = undefined;
    if (typeof next === 'string') {
      const { localName: identity } = this.context;
      return [{ kind: 'attempt-failed', identity, denial: next, retriesLeft: 0 }, ...this.reject(next)];
    }
    const changeIdentifier = (identifier + 1) & 0xff;
    const bytes = writeChap({ kind: 'other', code: next.code, identifier: changeIdentifier, data: next.data });
    this.pending = { identifier: changeIdentifier, challenge: new Uint8Array(0), proven: next, bytes };
    this.again = { at: after(now, REPEAT_INTERVAL_MS), left: MAX_REPEATS - 1 };
    return [send(bytes)];
  }

  private reject(denial: AuthDenial | 'protocol' | 'timeout', detail?: string): readonly AuthEffect[] {
    this.over = true;
    this.again = undefined;
    const why = detail === undefined ? {} : { detail };
    return [{ kind: 'reject', identity: this.context.localName, denial, ...why }];
  }
}

/** RFC 2759 section 5: without a right answer the session must end. */
const UNPROVEN = 'the server did not prove that it knows the password; it may be an impostor';

const send = (bytes: Uint8Array): AuthEffect => ({ kind: 'send', protocol: CHAP_PROTOCOL, bytes });
