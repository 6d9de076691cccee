import { printable } from '../../core/bytes/ascii.ts';
import { greeting } from '../../core/machine/greeting.ts';
import type { Machine } from '../../core/machine/machine.ts';
import { MS_CHAP_ANSWERS } from '../../core/machine/ms-chap-answers.ts';
import type { AuthDenial, AuthKinds, AuthVerdict } from '../../core/ports/auth.ts';
import type { EapContext, EapEffect, EapInput } from '../../core/ports/eap.ts';
import type { Instant } from '../../core/time.ts';
import {
  CHAP_CODE,
  formatMsChapFailure,
  formatMsChapV2Success,
  MS_CHAP_V2_CHALLENGE_LENGTH,
  parseChap,
  parseMsChapV2Response,
  writeChap,
} from '../../core/wire/chap.ts';

const VERSION = 3;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'challenged'; readonly challenge: Uint8Array }
  | { readonly kind: 'verifying'; readonly identifier: number }
  /** Success was sent; the peer's confirmation ends the exchange. */
  | { readonly kind: 'accepted'; readonly outcome: Extract<EapEffect, { readonly kind: 'done' }> }
  /** Failure without retry was sent. */
  | { readonly kind: 'refused'; readonly denial: AuthDenial };

/** The authenticator's side of EAP-MS-CHAPv2; a Failure with R=1 carries the challenge of the next attempt. */
export class EapMsChapV2Authenticator implements Machine<EapInput, EapEffect> {
  private readonly context: EapContext;
  private readonly maxAttempts: number;
  private state: State = { kind: 'idle' };
  private attempts = 0;
  /** The last user name sent, fit for logs. */
  private identity: string;
  /** Why the last attempt failed, while the peer may try again. */
  private denial: AuthDenial | undefined;

  constructor(context: EapContext, maxAttempts: number) {
    this.context = context;
    this.maxAttempts = maxAttempts;
    this.identity = printable(context.identity);
  }

  handle(input: EapInput): readonly EapEffect[] {
    switch (input.kind) {
      case 'start':
        return this.start();
      case 'message':
        return this.message(input.bytes);
      case 'verdict':
        return this.verdict(input.verdict);
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }

  private start(): readonly EapEffect[] {
    const { localName, random } = this.context;
    const identifier = random.bytes(1)[0] ?? 0;
    const challenge = this.newChallenge();
    this.state = { kind: 'challenged', challenge };
    return [message(writeChap({ kind: 'challenge', identifier, value: challenge, name: localName }))];
  }

  private message(bytes: Uint8Array): readonly EapEffect[] {
    const { state, identity } = this;
    switch (state.kind) {
      case 'challenged':
        // Instead of another attempt, the peer may take the Failure for the last word.
        return bytes[0] === CHAP_CODE.failure && this.denial !== undefined
          ? [{ kind: 'fail', identity, denial: this.denial }]
          : this.response(bytes, state);
      case 'accepted':
        return bytes[0] === CHAP_CODE.success ? [state.outcome] : [];
      case 'refused':
        return bytes[0] === CHAP_CODE.failure ? [{ kind: 'fail', identity, denial: state.denial }] : [];
      default:
        return [];
    }
  }

  private response(bytes: Uint8Array, state: Extract<State, { readonly kind: 'challenged' }>): readonly EapEffect[] {
    const packet = parseChap(bytes);
    const response = packet?.kind === 'response' ? parseMsChapV2Response(packet.value) : undefined;
    // EAP's identifier says what this answers; of MS-CHAPv2's, peers count on or not when they try again.
    if (packet?.kind !== 'response' || response === undefined) return [];
    this.attempts += 1;
    this.identity = printable(packet.name);
    this.state = { kind: 'verifying', identifier: packet.identifier };
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

  private verdict(verdict: AuthVerdict): readonly EapEffect[] {
    const { state } = this;
    if (state.kind !== 'verifying') return [];
    if (!verdict.ok) return this.refuse(state.identifier, verdict.denial);
    const { identity, profile, grant } = verdict;
    if (!isOurs(grant)) return this.refuse(state.identifier, 'unavailable');
    this.state = { kind: 'accepted', outcome: { kind: 'done', identity, profile, keys: grant.keys } };
    const text = formatMsChapV2Success(grant.authenticatorResponse, greeting(profile));
    return [message(writeChap({ kind: 'success', identifier: state.identifier, message: text }))];
  }

  private refuse(identifier: number, denial: AuthDenial): readonly EapEffect[] {
    const { error, retriable, text } = MS_CHAP_ANSWERS[denial];
    const retriesLeft = retriable ? Math.max(0, this.maxAttempts - this.attempts) : 0;
    const challenge = this.newChallenge();
    const failure = formatMsChapFailure({ error, retry: retriesLeft > 0, challenge, version: VERSION, text });
    this.denial = denial;
    this.state = retriesLeft > 0 ? { kind: 'challenged', challenge } : { kind: 'refused', denial };
    return [
      { kind: 'attempt-failed', identity: this.identity, denial, retriesLeft },
      message(writeChap({ kind: 'failure', identifier, message: failure })),
    ];
  }

  private newChallenge(): Uint8Array {
    return this.context.random.bytes(MS_CHAP_V2_CHALLENGE_LENGTH);
  }
}

type Grant = AuthKinds['ms-chap-v2']['grant'];

/** A back-end that answers for another kind of proof has a fault; the peer is told what it is told for any other. */
const isOurs = (grant: object): grant is Grant => 'authenticatorResponse' in grant && 'keys' in grant;

const message = (bytes: Uint8Array): EapEffect => ({ kind: 'message', bytes });
