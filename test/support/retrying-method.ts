import type { Machine } from '../../core/machine/machine.ts';
import type { AuthContext, AuthEffect, AuthInput, AuthMethod } from '../../core/ports/auth.ts';
import type { Instant } from '../../core/time.ts';
import { CHAP_PROTOCOL, parseChap, parseMsChapFailure, writeChap } from '../../core/wire/chap.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';

/** MS-CHAPv2 of a peer whose user types one password after the other, as long as the server lets it retry. */
export const retryingMethod = (passwords: readonly string[]): AuthMethod => {
  const method = msChapV2Method();
  return { ...method, begin: (context) => new RetryingPeer(method, context, passwords) };
};

class RetryingPeer implements Machine<AuthInput, AuthEffect> {
  private readonly method: AuthMethod;
  private readonly context: AuthContext;
  private readonly passwords: string[];
  private exchange: Machine<AuthInput, AuthEffect>;

  constructor(method: AuthMethod, context: AuthContext, passwords: readonly string[]) {
    this.method = method;
    this.context = context;
    this.passwords = [...passwords];
    this.exchange = this.next();
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    const packet = input.kind === 'frame' ? parseChap(input.bytes) : undefined;
    const failure = packet?.kind === 'failure' ? parseMsChapFailure(packet.message) : undefined;
    if (packet === undefined || failure?.challenge === undefined || !failure.retry || this.passwords.length === 0) {
      return this.exchange.handle(input, now);
    }
    // RFC 2759 section 6: the challenge for the retry is in the Failure, and the identifier goes up by one.
    this.exchange = this.next();
    const identifier = (packet.identifier + 1) & 0xff;
    const bytes = writeChap({ kind: 'challenge', identifier, value: failure.challenge, name: 'retry' });
    return this.exchange.handle({ kind: 'frame', protocol: CHAP_PROTOCOL, bytes }, now);
  }

  nextTimeout() {
    return this.exchange.nextTimeout();
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    return this.exchange.handleTimeout(now);
  }

  private next(): Machine<AuthInput, AuthEffect> {
    return this.method.begin({ ...this.context, password: this.passwords.shift() ?? '' });
  }
}
