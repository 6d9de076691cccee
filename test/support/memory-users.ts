import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import {
  checkNtResponse,
  generateAuthenticatorResponse,
  ntPasswordHash,
  withoutDomain,
} from '../../core/crypto/ms-chap-v2.ts';
import type { Authenticator, AuthKind, AuthKinds, AuthVerdict, UserProfile } from '../../core/ports/auth.ts';

export interface MemoryUser {
  readonly password: string;
  readonly address?: Ipv4;
  /** What else the back-end knows of the user. */
  readonly limits?: Pick<UserProfile, 'idleSeconds' | 'sessionSeconds'>;
}

type Answers = { readonly [K in AuthKind]?: (request: AuthKinds[K]['request']) => AuthVerdict<K> };

/** A back-end whose users are a record. */
export class MemoryUsers implements Authenticator {
  readonly name = 'memory-users';
  private readonly users: Readonly<Record<string, MemoryUser>>;
  private readonly answers: Answers = { 'ms-chap-v2': (request) => this.msChapV2(request) };

  constructor(users: Readonly<Record<string, MemoryUser>>) {
    this.users = users;
  }

  supports(kind: AuthKind): boolean {
    return this.answers[kind] !== undefined;
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    return new Set(Object.values(this.users).flatMap(({ address }) => (address === undefined ? [] : [address])));
  }

  async verify<K extends AuthKind>(kind: K, request: AuthKinds[K]['request']): Promise<AuthVerdict<K>> {
    const answer: Answers[K] | undefined = this.answers[kind];
    return answer === undefined ? { ok: false, denial: 'unavailable' } : answer(request);
  }

  private msChapV2(request: AuthKinds['ms-chap-v2']['request']): AuthVerdict<'ms-chap-v2'> {
    const name = withoutDomain(request.userName);
    const user = this.users[name];
    const hash = ntPasswordHash(user?.password ?? '');
    if (user === undefined || !checkNtResponse(request, hash, request.ntResponse)) {
      return { ok: false, denial: 'bad-credentials' };
    }
    return {
      ok: true,
      identity: name,
      profile: { ...user.limits, ...(user.address === undefined ? {} : { address: user.address }) },
      grant: {
        authenticatorResponse: generateAuthenticatorResponse(request, hash, request.ntResponse),
        keys: msChapV2MasterKeys(hash, request.ntResponse, 'authenticator'),
      },
    };
  }
}
