import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import {
  checkAuthenticatorResponse,
  generateNtResponse,
  type MsChapV2Exchange,
  ntPasswordHash,
} from '../../core/crypto/ms-chap-v2.ts';
import type { Machine } from '../../core/machine/machine.ts';
import { msChapDenial } from '../../core/machine/ms-chap-answers.ts';
import type { EapContext, EapEffect, EapInput } from '../../core/ports/eap.ts';
import type { Instant } from '../../core/time.ts';
import {
  CHAP_CODE,
  MS_CHAP_V2_CHALLENGE_LENGTH,
  parseChap,
  parseMsChapFailure,
  parseMsChapV2Success,
  writeChap,
  writeMsChapV2Response,
} from '../../core/wire/chap.ts';

interface Sent {
  readonly exchange: MsChapV2Exchange;
  readonly ntResponse: Uint8Array;
}

/** The peer's side of EAP-MS-CHAPv2. There is one password, so an offered retry would fail the same way. */
export class EapMsChapV2Peer implements Machine<EapInput, EapEffect> {
  private readonly context: EapContext;
  private readonly passwordHash: Uint8Array;
  private sent: Sent | undefined;

  constructor(context: EapContext) {
    this.context = context;
    this.passwordHash = ntPasswordHash(context.password ?? '');
  }

  handle(input: EapInput): readonly EapEffect[] {
    if (input.kind !== 'message') return [];
    const packet = parseChap(input.bytes);
    switch (packet?.kind) {
      case 'challenge':
        return this.challenge(packet.identifier, packet.value);
      case 'success':
        return this.success(packet.message);
      case 'failure':
        return this.failure(packet.message);
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

  private challenge(identifier: number, authenticatorChallenge: Uint8Array): readonly EapEffect[] {
    if (authenticatorChallenge.length !== MS_CHAP_V2_CHALLENGE_LENGTH) return [];
    const { localName: name, random } = this.context;
    const peerChallenge = random.bytes(MS_CHAP_V2_CHALLENGE_LENGTH);
    const exchange = { authenticatorChallenge, peerChallenge, userName: name };
    const ntResponse = generateNtResponse(exchange, this.passwordHash);
    this.sent = { exchange, ntResponse };
    const value = writeMsChapV2Response({ peerChallenge, ntResponse, flags: 0 });
    return [message(writeChap({ kind: 'response', identifier, value, name }))];
  }

  private success(text: string): readonly EapEffect[] {
    const { context, passwordHash, sent } = this;
    if (sent === undefined) return [];
    const received = parseMsChapV2Success(text)?.authenticatorResponse ?? '';
    const { localName: identity } = context;
    // RFC 2759 section 5: without a right answer the other side does not know the password, and the session must end.
    if (!checkAuthenticatorResponse(sent.exchange, passwordHash, sent.ntResponse, received)) {
      return [{ kind: 'fail', identity, denial: 'protocol', detail: 'the server does not know the password' }];
    }
    const keys = msChapV2MasterKeys(passwordHash, sent.ntResponse, 'peer');
    return [message(Uint8Array.of(CHAP_CODE.success)), { kind: 'done', identity, profile: {}, keys }];
  }

  private failure(text: string): readonly EapEffect[] {
    if (this.sent === undefined) return [];
    const denial = msChapDenial(parseMsChapFailure(text));
    const { localName: identity } = this.context;
    return [{ kind: 'attempt-failed', identity, denial, retriesLeft: 0 }, message(Uint8Array.of(CHAP_CODE.failure))];
  }
}

const message = (bytes: Uint8Array): EapEffect => ({ kind: 'message', bytes });
