import { printable } from '../bytes/ascii.ts';
import type {
  AuthContext,
  AuthDenial,
  AuthEffect,
  AuthInput,
  AuthVerdict,
  MppeKeyMaterial,
  VerifyEffect,
} from '../ports/auth.ts';
import type { UserProfile } from '../ports/profile.ts';
import { after, type Instant } from '../time.ts';
import { CHAP_CODE, CHAP_PROTOCOL, type ChapPacket, parseChap, writeChap } from '../wire/chap.ts';
import type { Machine } from './machine.ts';

export interface ChapAuthenticatorOptions {
  /** Between two copies of the Challenge, in ms, and how many of them are sent. */
  readonly challengeIntervalMs: number;
  readonly maxChallenges: number;
  /** Responses that are looked at; the last one is refused without retry. */
  readonly maxAttempts: number;
  /** How long a person may take to type another password, in ms. */
  readonly retryWaitMs: number;
}

export const CHAP_AUTHENTICATOR_DEFAULTS: ChapAuthenticatorOptions = {
  challengeIntervalMs: 3000,
  maxChallenges: 10,
  maxAttempts: 3,
  retryWaitMs: 60_000,
};

/** What a packet of the peer answers. */
export interface ChapAsked {
  readonly challenge: Uint8Array;
  /** Of the Response before; a Change-Password packet has no name of its own. */
  readonly userName: string;
}

/** What a Success says, and what the link gets from it. */
export interface ChapSuccess {
  readonly message: string;
  readonly keys?: MppeKeyMaterial;
}

/** A proof read from a packet: a question to the back-end, or a refusal without asking. */
export interface ChapProof {
  readonly userName: string;
  readonly question: VerifyEffect | AuthDenial;
  /** Undefined when the back-end's grant is one for another kind of proof. */
  success(grant: object, profile: UserProfile): ChapSuccess | undefined;
}

export interface ChapFailure {
  readonly message: string;
  /** What the next packet of the peer answers. */
  readonly challenge: Uint8Array;
}

/** What one dialect of CHAP puts into the packets. */
export interface ChapDialect {
  readonly challengeLength: number;
  /** Undefined: no Response of this dialect, silently discarded. */
  response(packet: Extract<ChapPacket, { readonly kind: 'response' }>, asked: ChapAsked): ChapProof | undefined;
  /** The same for other codes after `expired`; a dialect without it cannot change passwords. */
  change?(packet: Extract<ChapPacket, { readonly kind: 'other' }>, asked: ChapAsked): ChapProof | undefined;
  /** True when another password may help. */
  retriable(denial: AuthDenial): boolean;
  failure(denial: AuthDenial, retry: boolean, asked: ChapAsked, fresh: () => Uint8Array): ChapFailure;
}

type State =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'challenged';
      readonly identifier: number;
      readonly challenge: Uint8Array;
      /** A Change-Password packet is waited for, and nothing else. */
      readonly changing: boolean;
      /** The packet to send again and how often it still may be; after a Failure there is none. */
      readonly again: Uint8Array | undefined;
      readonly left: number;
      readonly deadline: Instant;
    }
  | {
      readonly kind: 'verifying';
      readonly identifier: number;
      readonly code: number;
      readonly asked: ChapAsked;
      readonly changing: boolean;
      readonly proof: ChapProof;
    }
  | { readonly kind: 'done' }
  /** The peer has not shown yet that it knows of its Success. */
  | { readonly kind: 'told'; readonly success: Uint8Array; readonly left: number; readonly deadline: Instant };

/**
 * A Success is nobody's to ask for when it was lost: pppd waits for it for ever and discards our network protocols
 * meanwhile. So it goes out again until the peer speaks one itself, a few times; a second one says nothing new.
 */
const SPARE_SUCCESSES = 3;

/**
 * The authenticator's side of CHAP and its dialects. To read: RFC 1994 section 4 (packets, retransmission), and the
 * exchanges of RFC 2433 section B.1 and RFC 2759 section 9.1.
 *
 * Decided here: a Challenge is sent again unchanged until it is answered, so that an answer to any of its copies counts
 * (section 4.1 wants a new one each time; then an answer under way, or a peer with room for one, would be lost); each
 * retry and each change of password has the next identifier; the same packet again gets the same answer again, as long as the link keeps this machine; after
 * a change there is no retry. Left out: challenges to a peer that is already in.
 */
export class ChapAuthenticator implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly dialect: ChapDialect;
  private readonly options: ChapAuthenticatorOptions;
  private state: State = { kind: 'idle' };
  /** The last answer, for a packet that comes again. */
  private answer: { readonly identifier: number; readonly code: number; readonly bytes: Uint8Array } | undefined;
  private attempts = 0;
  /** The last user name sent, and how logs show it. */
  private userName = '';
  private identity = '';

  constructor(context: AuthContext, dialect: ChapDialect, options: ChapAuthenticatorOptions) {
    this.context = context;
    this.dialect = dialect;
    this.options = options;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    switch (input.kind) {
      case 'start':
        return this.start(now);
      case 'frame':
        return input.protocol === CHAP_PROTOCOL ? this.frame(input.bytes, now) : [];
      case 'verdict':
        return this.verdict(input.verdict, now);
      case 'network-started':
        if (this.state.kind === 'told') this.state = { kind: 'done' };
        return [];
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return this.state.kind === 'challenged' || this.state.kind === 'told' ? this.state.deadline : undefined;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    const { state } = this;
    if (state.kind === 'told' && now >= state.deadline) return this.tellAgain(state.success, state.left, now);
    if (state.kind !== 'challenged' || now < state.deadline) return [];
    if (state.again === undefined || state.left === 0) {
      this.state = { kind: 'done' };
      return [{ kind: 'reject', identity: this.identity, denial: state.changing ? 'expired' : 'timeout' }];
    }
    this.state = { ...state, left: state.left - 1, deadline: after(now, this.options.challengeIntervalMs) };
    return [send(state.again)];
  }

  private start(now: Instant): readonly AuthEffect[] {
    if (this.state.kind !== 'idle') return [];
    const identifier = this.context.random.bytes(1)[0] ?? 0;
    const challenge = this.fresh();
    const again = writeChap({ kind: 'challenge', identifier, value: challenge, name: this.context.localName });
    this.state = {
      kind: 'challenged',
      identifier,
      challenge,
      changing: false,
      again,
      left: this.options.maxChallenges - 1,
      deadline: after(now, this.options.challengeIntervalMs),
    };
    return [send(again)];
  }

  private frame(bytes: Uint8Array, now: Instant): readonly AuthEffect[] {
    const packet = parseChap(bytes);
    if (packet?.kind !== 'response' && packet?.kind !== 'other') return [];
    const code = packet.kind === 'other' ? packet.code : CHAP_CODE.response;
    const { answer, state } = this;
    if (answer?.identifier === packet.identifier && answer.code === code) return [send(answer.bytes)];
    if (state.kind !== 'challenged' || state.identifier !== packet.identifier) return [];
    const asked = { challenge: state.challenge, userName: this.userName };
    const proof = this.read(packet, state.changing, asked);
    if (proof === undefined) return [];
    if (!state.changing) this.attempts += 1;
    this.userName = proof.userName;
    this.identity = printable(proof.userName);
    const { identifier, changing } = state;
    this.state = { kind: 'verifying', identifier, code, asked, changing, proof };
    return typeof proof.question === 'string' ? this.refuse(proof.question, now) : [proof.question];
  }

  private read(
    packet: Extract<ChapPacket, { readonly kind: 'response' | 'other' }>,
    changing: boolean,
    asked: ChapAsked,
  ): ChapProof | undefined {
    if (packet.kind === 'other') return changing ? this.dialect.change?.(packet, asked) : undefined;
    return changing || packet.kind !== 'response' ? undefined : this.dialect.response(packet, asked);
  }

  private verdict(verdict: AuthVerdict, now: Instant): readonly AuthEffect[] {
    const { state } = this;
    if (state.kind !== 'verifying') return [];
    if (!verdict.ok) return this.refuse(verdict.denial, now);
    const { identity, profile, grant } = verdict;
    // A back-end that answers for another kind of proof has a fault; the peer is told what it is told for any other.
    const success = state.proof.success(grant, profile);
    if (success === undefined) return this.refuse('unavailable', now);
    const { message, keys } = success;
    const { identifier, code } = state;
    const bytes = writeChap({ kind: 'success', identifier, message });
    const deadline = after(now, this.options.challengeIntervalMs);
    this.state = { kind: 'told', success: bytes, left: SPARE_SUCCESSES, deadline };
    return [
      this.remember(identifier, code, bytes),
      { kind: 'accept', identity, profile, ...(keys === undefined ? {} : { keys }) },
    ];
  }

  private tellAgain(success: Uint8Array, left: number, now: Instant): readonly AuthEffect[] {
    const deadline = after(now, this.options.challengeIntervalMs);
    this.state = left > 1 ? { kind: 'told', success, left: left - 1, deadline } : { kind: 'done' };
    return [send(success)];
  }

  private refuse(denial: AuthDenial, now: Instant): readonly AuthEffect[] {
    const { state, identity, dialect, options } = this;
    if (state.kind !== 'verifying') return [];
    const { identifier, code, changing, asked } = state;
    const mayRetry = !changing && dialect.retriable(denial);
    const retriesLeft = mayRetry ? Math.max(0, options.maxAttempts - this.attempts) : 0;
    const mayChange = !changing && denial === 'expired' && dialect.change !== undefined;
    const { message, challenge } = dialect.failure(denial, retriesLeft > 0, asked, () => this.fresh());
    const effects: AuthEffect[] = [
      this.remember(identifier, code, writeChap({ kind: 'failure', identifier, message })),
      { kind: 'attempt-failed', identity, denial, retriesLeft },
    ];
    if (retriesLeft === 0 && !mayChange) {
      this.state = { kind: 'done' };
      return [...effects, { kind: 'reject', identity, denial }];
    }
    this.state = {
      kind: 'challenged',
      identifier: (identifier + 1) & 0xff,
      challenge,
      changing: mayChange,
      again: undefined,
      left: 0,
      deadline: after(now, options.retryWaitMs),
    };
    return effects;
  }

  private fresh(): Uint8Array {
    return this.context.random.bytes(this.dialect.challengeLength);
  }

  private remember(identifier: number, code: number, bytes: Uint8Array): AuthEffect {
    this.answer = { identifier, code, bytes };
    return send(bytes);
  }
}

const send = (bytes: Uint8Array): AuthEffect => ({ kind: 'send', protocol: CHAP_PROTOCOL, bytes });
