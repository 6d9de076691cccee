import { equalBytes } from '../../core/bytes/bytes.ts';
import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import {
  checkAuthenticatorResponse,
  generateNtResponse,
  type MsChapV2Exchange,
  ntPasswordHash,
} from '../../core/crypto/ms-chap-v2.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthContext, AuthDenial, AuthEffect, AuthInput } from '../../core/ports/auth.ts';
import type { Instant } from '../../core/time.ts';
import {
  CHAP_PROTOCOL,
  MS_CHAP_V2_CHALLENGE_LENGTH,
  parseChap,
  parseMsChapFailure,
  parseMsChapV2Success,
  writeChap,
  writeMsChapV2Response,
} from '../../core/wire/chap.ts';
import { denialOf } from './denials.ts';

/**
 * The peer's side of MS-CHAPv2 (RFC 2759 sections 3 to 6). It answers every challenge, also later ones of an authenticator
 * that asks again while the link is up; keys come from the first exchange (RFC 3079 section 3). Waiting has no time-out
 * here: the authenticator repeats, and the link ends an authentication that takes too long.
 */
interface Pending {
  readonly identifier: number;
  readonly exchange: MsChapV2Exchange;
  readonly ntResponse: Uint8Array;
  readonly answer: Uint8Array;
}

export class MsChapV2Peer implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly passwordHash: Uint8Array;
  private pending: Pending | undefined;
  private accepted = false;
  private over = false;

  constructor(context: AuthContext) {
    this.context = context;
    this.passwordHash = ntPasswordHash(context.password ?? '');
  }

  handle(input: AuthInput, _now: Instant): readonly AuthEffect[] {
    if (input.kind !== 'frame' || input.protocol !== CHAP_PROTOCOL || this.over) return [];
    const packet = parseChap(input.bytes);
    switch (packet?.kind) {
      case 'challenge':
        return this.challenge(packet.identifier, packet.value);
      case 'success':
        return this.success(packet.identifier, packet.message);
      case 'failure':
        return this.failure(packet.identifier, packet.message);
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return undefined;
  }

  handleTimeout(_now: Instant): readonly AuthEffect[] {
    return [];
  }

  private challenge(identifier: number, value: Uint8Array): readonly AuthEffect[] {
    if (value.length !== MS_CHAP_V2_CHALLENGE_LENGTH) return [];
    const { pending } = this;
    const repeated = pending?.identifier === identifier && equalBytes(pending.exchange.authenticatorChallenge, value);
    const next = repeated && pending !== undefined ? pending : this.respond(identifier, value);
    this.pending = next;
    return [{ kind: 'send', protocol: CHAP_PROTOCOL, bytes: next.answer }];
  }

  private respond(identifier: number, authenticatorChallenge: Uint8Array): Pending {
    const { localName, random } = this.context;
    const peerChallenge = random.bytes(MS_CHAP_V2_CHALLENGE_LENGTH);
    const exchange = { authenticatorChallenge, peerChallenge, userName: localName };
    const ntResponse = generateNtResponse(exchange, this.passwordHash);
    const value = writeMsChapV2Response({ peerChallenge, ntResponse, flags: 0 });
    return {
      identifier,
      exchange,
      ntResponse,
      answer: writeChap({ kind: 'response', identifier, value, name: localName }),
    };
  }

  private success(identifier: number, message: string): readonly AuthEffect[] {
    const { context, passwordHash, pending } = this;
    if (pending === undefined || pending.identifier !== identifier) return [];
    const received = parseMsChapV2Success(message)?.authenticatorResponse ?? '';
    // Section 5: without a right answer the other side does not know the password, and the session must end.
    if (!checkAuthenticatorResponse(pending.exchange, passwordHash, pending.ntResponse, received))
      return this.reject('protocol');
    if (this.accepted) return [];
    this.accepted = true;
    const keys = msChapV2MasterKeys(passwordHash, pending.ntResponse, 'peer');
    return [{ kind: 'accept', identity: context.localName, profile: {}, keys }];
  }

  /** There is one password only, so an offered retry would fail the same way. */
  private failure(identifier: number, message: string): readonly AuthEffect[] {
    if (this.pending === undefined || this.pending.identifier !== identifier) return [];
    const denial = denialOf(parseMsChapFailure(message)?.error ?? 0);
    const { localName: identity } = this.context;
    return [{ kind: 'attempt-failed', identity, denial, retriesLeft: 0 }, ...this.reject(denial)];
  }

  private reject(denial: AuthDenial | 'protocol'): readonly AuthEffect[] {
    this.over = true;
    return [{ kind: 'reject', identity: this.context.localName, denial }];
  }
}
