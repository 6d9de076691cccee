import {
  type Authenticator,
  type AuthKind,
  type AuthKinds,
  type BackEndAnswer,
  userOf,
  type WallClock,
} from 'pptp-gateway/core';
import { stepOf } from './totp.ts';

declare module 'pptp-gateway/core' {
  interface AuthKinds {
    /** A code that the user reads from a token. */
    totp: {
      readonly request: { readonly userName: string; readonly code: string };
      readonly grant: Readonly<Record<never, never>>;
    };
  }
}

type TokenAnswer = BackEndAnswer<'totp'>;

/** Users with a token. Each code lets in once. */
export class TokenUsers implements Authenticator {
  readonly name = 'one-time-password';
  private readonly secrets: ReadonlyMap<string, Uint8Array>;
  private readonly clock: WallClock;
  /** By user: the step of the last code that was taken. */
  private readonly used = new Map<string, number>();

  constructor(secrets: ReadonlyMap<string, Uint8Array>, clock: WallClock) {
    this.secrets = secrets;
    this.clock = clock;
  }

  supports(kind: AuthKind): boolean {
    return kind === 'totp';
  }

  async verify<K extends AuthKind>(kind: K, request: AuthKinds[K]['request']): Promise<BackEndAnswer<K>> {
    if (kind !== 'totp' || !('code' in request)) return { ok: false, denial: 'unavailable' };
    return this.judge(userOf(request.userName), request.code);
  }

  private judge(identity: string, code: string): TokenAnswer {
    const secret = this.secrets.get(identity);
    if (secret === undefined) return { ok: false, denial: 'unknown-user' };
    const step = stepOf(secret, code, this.clock.now());
    if (step === undefined || step <= (this.used.get(identity) ?? -1)) return { ok: false, denial: 'bad-credentials' };
    this.used.set(identity, step);
    return { ok: true, identity, profile: {}, grant: {} };
  }
}
