import { printable } from '../../core/bytes/ascii.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthContext, AuthDenial, AuthEffect, AuthInput, AuthKinds, AuthVerdict } from '../../core/ports/auth.ts';
import { after, type Instant } from '../../core/time.ts';
import {
  CHAP_PROTOCOL,
  formatMsChapFailure,
  formatMsChapV2Success,
  MS_CHAP_V2_CHALLENGE_LENGTH,
  parseChap,
  parseMsChapV2Response,
  writeChap,
} from '../../core/wire/chap.ts';
import { ANSWERS } from './denials.ts';

/**
 * The authenticator's side of MS-CHAPv2. To read: RFC 1994 section 4 (packets, retransmission), RFC 2759 sections 3 to 6
 * and the exchanges of its section 9.1.
 *
 * Decided here: a Challenge is sent again unchanged, so that an answer to any of its copies counts; each retry has a new
 * challenge (in the Failure) and the next identifier; the same Response again gets the same answer again, whenever it
 * comes. Left out: Change-Password, and challenges to a peer that is already in.
 */
export interface AuthenticatorOptions {
  /** Between two copies of the Challenge, in ms, and how many of them are sent. */
  readonly challengeIntervalMs: number;
  readonly maxChallenges: number;
  /** Responses that are looked at; the last one is refused without retry. */
  readonly maxAttempts: number;
  /** How long a person may take to type another password, in ms. */
  readonly retryWaitMs: number;
}

type State =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'challenged';
      readonly identifier: number;
      readonly challenge: Uint8Array;
      /** The packet to send again and how often it still may be; after a Failure there is none. */
      readonly again: Uint8Array | undefined;
      readonly left: number;
      readonly deadline: Instant;
    }
  | { readonly kind: 'verifying'; readonly identifier: number; readonly flags: number }
  | { readonly kind: 'done' };

/** Windows 98 sets this flag and cannot read a Success with a message. */
const FLAG_NO_MESSAGE = 0x04;
const VERSION = 3;

export class MsChapV2Authenticator implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly options: AuthenticatorOptions;
  private state: State = { kind: 'idle' };
  /** The last answer, for a Response that comes again. */
  private answer: { readonly identifier: number; readonly bytes: Uint8Array } | undefined;
  private attempts = 0;
  /** The last user name sent, fit for logs. */
  private identity = '';

  constructor(context: AuthContext, options: AuthenticatorOptions) {
    this.context = context;
    this.options = options;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    switch (input.kind) {
      case 'start':
        return this.start(now);
      case 'frame':
        return input.protocol === CHAP_PROTOCOL ? this.frame(input.bytes) : [];
      case 'verdict':
        return this.verdict(input.verdict, now);
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return this.state.kind === 'challenged' ? this.state.deadline : undefined;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    const { state } = this;
    if (state.kind !== 'challenged' || now < state.deadline) return [];
    if (state.again === undefined || state.left === 0) {
      this.state = { kind: 'done' };
      return [{ kind: 'reject', identity: this.identity, denial: 'timeout' }];
    }
    this.state = { ...state, left: state.left - 1, deadline: after(now, this.options.challengeIntervalMs) };
    return [send(state.again)];
  }

  private start(now: Instant): readonly AuthEffect[] {
    if (this.state.kind !== 'idle') return [];
    const identifier = this.context.random.bytes(1)[0] ?? 0;
    const challenge = this.newChallenge();
    const again = writeChap({ kind: 'challenge', identifier, value: challenge, name: this.context.localName });
    this.state = {
      kind: 'challenged',
      identifier,
      challenge,
      again,
      left: this.options.maxChallenges - 1,
      deadline: after(now, this.options.challengeIntervalMs),
    };
    return [send(again)];
  }

  private frame(bytes: Uint8Array): readonly AuthEffect[] {
    const packet = parseChap(bytes);
    if (packet?.kind !== 'response') return [];
    if (this.answer?.identifier === packet.identifier) return [send(this.answer.bytes)];
    const { state } = this;
    if (state.kind !== 'challenged' || state.identifier !== packet.identifier) return [];
    const response = parseMsChapV2Response(packet.value);
    if (response === undefined) return [];
    this.attempts += 1;
    this.identity = printable(packet.name);
    this.state = { kind: 'verifying', identifier: packet.identifier, flags: response.flags };
    return [
      {
        kind: 'verify',
        method: 'ms-chap-v2',
        request: {
          userName: packet.name,
          authenticatorChallenge: state.challenge,
          peerChallenge: response.peerChallenge,
          ntResponse: response.ntResponse,
        },
      },
    ];
  }

  private verdict(verdict: AuthVerdict, now: Instant): readonly AuthEffect[] {
    const { state } = this;
    if (state.kind !== 'verifying') return [];
    if (!verdict.ok) return this.refuse(state.identifier, verdict.denial, now);
    const { identity, profile, grant } = verdict;
    if (!isOurs(grant)) return this.refuse(state.identifier, 'unavailable', now);
    const text = (state.flags & FLAG_NO_MESSAGE) === 0 ? 'Welcome' : undefined;
    const message = formatMsChapV2Success(grant.authenticatorResponse, text);
    this.state = { kind: 'done' };
    return [
      this.remember(state.identifier, writeChap({ kind: 'success', identifier: state.identifier, message })),
      { kind: 'accept', identity, profile, keys: grant.keys },
    ];
  }

  private refuse(identifier: number, denial: AuthDenial, now: Instant): readonly AuthEffect[] {
    const { error, retriable, text } = ANSWERS[denial];
    const retriesLeft = retriable ? Math.max(0, this.options.maxAttempts - this.attempts) : 0;
    const challenge = this.newChallenge();
    const message = formatMsChapFailure({ error, retry: retriesLeft > 0, challenge, version: VERSION, text });
    const { identity } = this;
    const effects: AuthEffect[] = [
      this.remember(identifier, writeChap({ kind: 'failure', identifier, message })),
      { kind: 'attempt-failed', identity, denial, retriesLeft },
    ];
    if (retriesLeft > 0) {
      this.state = {
        kind: 'challenged',
        identifier: (identifier + 1) & 0xff,
        challenge,
        again: undefined,
        left: 0,
        deadline: after(now, this.options.retryWaitMs),
      };
      return effects;
    }
    this.state = { kind: 'done' };
    return [...effects, { kind: 'reject', identity, denial }];
  }

  private newChallenge(): Uint8Array {
    return this.context.random.bytes(MS_CHAP_V2_CHALLENGE_LENGTH);
  }

  private remember(identifier: number, bytes: Uint8Array): AuthEffect {
    this.answer = { identifier, bytes };
    return send(bytes);
  }
}

type Grant = AuthKinds['ms-chap-v2']['grant'];

/** A back-end that answers for another kind of proof has a fault; the peer is told what it is told for any other. */
const isOurs = (grant: object): grant is Grant => 'authenticatorResponse' in grant && 'keys' in grant;

const send = (bytes: Uint8Array): AuthEffect => ({ kind: 'send', protocol: CHAP_PROTOCOL, bytes });
