import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ntPasswordHash, withoutDomain } from '../../core/crypto/ms-chap-v2.ts';
import type { AuthDenial, Authenticator, AuthKind, AuthKinds, AuthVerdict } from '../../core/ports/auth.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import {
  msChapV1Change,
  msChapV1Grant,
  msChapV2Change,
  msChapV2Grant,
  provenByChapMd5,
  provenByMsChapV1,
  provenByMsChapV2,
  provenByPap,
  type Secrets,
} from '../../core/proofs/proofs.ts';

export interface MemoryUser {
  readonly password: string;
  readonly address?: Ipv4;
  /** The password is good for nothing but its own change. */
  readonly expired?: boolean;
  readonly limits?: Pick<UserProfile, 'idleSeconds' | 'sessionSeconds'>;
  readonly profile?: UserProfile;
}

type Judged<G> =
  | { readonly ok: true; readonly identity: string; readonly profile: UserProfile; readonly grant: G }
  | { readonly ok: false; readonly denial: AuthDenial };
type Answers = { readonly [K in AuthKind]?: (request: AuthKinds[K]['request']) => AuthVerdict<K> };

const NOBODY: Judged<never> = { ok: false, denial: 'bad-credentials' };

/** A back-end whose users are a record. */
export class MemoryUsers implements Authenticator {
  readonly name = 'memory-users';
  private readonly users: Map<string, MemoryUser>;
  private readonly answers: Answers = {
    pap: (request) => this.judge(request, provenByPap, () => ({})),
    'chap-md5': (request) => this.judge(request, provenByChapMd5, () => ({})),
    'ms-chap-v1': (request) => this.judge(request, provenByMsChapV1, (hash) => msChapV1Grant(request, hash)),
    'ms-chap-v1-change': (request) => this.change(request, (hash) => msChapV1Change(request, hash)),
    'ms-chap-v2': (request) => this.judge(request, provenByMsChapV2, (hash) => msChapV2Grant(request, hash)),
    'ms-chap-v2-change': (request) => this.change(request, (hash) => msChapV2Change(request, hash)),
    certificate: ({ userName }) =>
      this.judge(
        { userName },
        () => true,
        () => ({}),
      ),
  };

  constructor(users: Readonly<Record<string, MemoryUser>>) {
    this.users = new Map(Object.entries(users));
  }

  supports(kind: AuthKind): boolean {
    return this.answers[kind] !== undefined;
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    return new Set([...this.users.values()].flatMap(({ address }) => (address === undefined ? [] : [address])));
  }

  async verify<K extends AuthKind>(kind: K, request: AuthKinds[K]['request']): Promise<AuthVerdict<K>> {
    const answer: Answers[K] | undefined = this.answers[kind];
    return answer === undefined ? { ok: false, denial: 'unavailable' } : answer(request);
  }

  private judge<R extends { readonly userName: string }, G>(
    request: R,
    proven: (request: R, secrets: Secrets) => boolean,
    grant: (ntHash: Uint8Array) => G,
  ): Judged<G> {
    const name = withoutDomain(request.userName);
    const user = this.users.get(name);
    if (user === undefined) return NOBODY;
    const ntHash = ntPasswordHash(user.password);
    if (!proven(request, { ntHash, password: user.password })) return NOBODY;
    return user.expired === true ? { ok: false, denial: 'expired' } : accepted(name, user, grant(ntHash));
  }

  private change<G>(
    { userName }: { readonly userName: string },
    open: (oldHash: Uint8Array) => { readonly newPassword: string; readonly grant: G } | undefined,
  ): Judged<G> {
    const name = withoutDomain(userName);
    const user = this.users.get(name);
    const change = user === undefined ? undefined : open(ntPasswordHash(user.password));
    if (user === undefined || change === undefined) return NOBODY;
    this.users.set(name, { ...user, password: change.newPassword, expired: false });
    return accepted(name, user, change.grant);
  }
}

const accepted = <G>(identity: string, { address, limits, profile }: MemoryUser, grant: G): Judged<G> => ({
  ok: true,
  identity,
  profile: { ...profile, ...limits, ...(address === undefined ? {} : { address }) },
  grant,
});
