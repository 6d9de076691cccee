import { asciiBytes, asciiText, printable } from '../../core/bytes/ascii.ts';
import { chapMd5Response } from '../../core/crypto/chap-md5.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { EapContext, EapEffect, EapInput, EapMethod } from '../../core/ports/eap.ts';
import type { Instant } from '../../core/time.ts';
import { EAP_TYPE, parseEapMd5, writeEapMd5 } from '../../core/wire/eap.ts';

const CHALLENGE_LENGTH = 16;
const RESPONSE_LENGTH = 16;

/** MD5-Challenge (RFC 3748 section 5.4): CHAP with MD5 inside EAP. No keys, and the peer learns nothing about us. */
export const eapMd5 = (): EapMethod => ({
  name: 'md5',
  type: EAP_TYPE.md5Challenge,
  yieldsKeys: false,
  begin: (context) => (context.role === 'peer' ? new Peer(context) : new Authenticator(context)),
});

abstract class Md5 implements Machine<EapInput, EapEffect> {
  protected readonly context: EapContext;

  constructor(context: EapContext) {
    this.context = context;
  }

  abstract handle(input: EapInput): readonly EapEffect[];

  nextTimeout(): Instant | undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }
}

class Authenticator extends Md5 {
  private challenge: Uint8Array = new Uint8Array(0);
  private userName = '';
  private state: 'challenged' | 'verifying' | 'over' = 'over';

  handle(input: EapInput): readonly EapEffect[] {
    switch (input.kind) {
      case 'start': {
        this.challenge = this.context.random.bytes(CHALLENGE_LENGTH);
        this.state = 'challenged';
        const name = asciiBytes(this.context.localName);
        return [{ kind: 'message', bytes: writeEapMd5({ value: this.challenge, name }) }];
      }
      case 'message':
        return this.response(input.identifier, input.bytes);
      case 'verdict': {
        if (this.state !== 'verifying') return [];
        this.state = 'over';
        const { verdict } = input;
        return verdict.ok
          ? [{ kind: 'done', identity: verdict.identity, profile: verdict.profile }]
          : [{ kind: 'fail', identity: printable(this.userName), denial: verdict.denial }];
      }
      default:
        return [];
    }
  }

  private response(identifier: number, bytes: Uint8Array): readonly EapEffect[] {
    const response = parseEapMd5(bytes);
    if (this.state !== 'challenged' || response?.value.length !== RESPONSE_LENGTH) return [];
    this.state = 'verifying';
    const { identity } = this.context;
    this.userName = identity === '' ? asciiText(response.name) : identity;
    const { challenge, userName } = this;
    return [
      {
        kind: 'verify',
        method: 'chap-md5',
        request: { userName, identifier, challenge, response: response.value },
      },
    ];
  }
}

class Peer extends Md5 {
  handle(input: EapInput): readonly EapEffect[] {
    const challenge = input.kind === 'message' ? parseEapMd5(input.bytes) : undefined;
    if (input.kind !== 'message' || challenge === undefined) return [];
    const { localName, password = '' } = this.context;
    const secret = new TextEncoder().encode(password);
    const value = chapMd5Response(input.identifier, secret, challenge.value);
    return [
      { kind: 'message', bytes: writeEapMd5({ value, name: asciiBytes(localName) }) },
      { kind: 'done', identity: localName, profile: {} },
    ];
  }
}
