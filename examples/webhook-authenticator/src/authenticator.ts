import {
  type Authenticator,
  type AuthKind,
  type AuthKinds,
  type BackEndAnswer,
  type CancelSignal,
  type Clock,
  judgeProof,
  nameText,
  withoutDomain,
} from 'pptp-gateway/core';
import { Directory, type Person } from './directory.ts';
import { PersonCache } from './person-cache.ts';
import type { AcmeOptions } from './settings.ts';

/** Looks users up in the directory, and checks what they prove against the hash that it has of them. */
export class AcmeAuthenticator implements Authenticator {
  readonly name = 'acme-webhook';
  private readonly directory: Directory;
  private readonly cache: PersonCache;

  constructor(options: AcmeOptions, clock: Clock) {
    this.directory = new Directory(options, clock);
    this.cache = new PersonCache(clock, options.cacheSeconds);
  }

  /** MS-CHAPv2 alone: a proof that a hash can judge, and that yields keys for MPPE. */
  supports(kind: AuthKind): boolean {
    return kind === 'ms-chap-v2';
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
  ): Promise<BackEndAnswer<K>> {
    // Octets of the wire, in text: CORP\alice is looked up as alice. What is hashed is in `request`, as it came.
    const user = nameText(withoutDomain(request.userName));
    const known = this.cache.get(user);
    const answer = known === undefined ? undefined : judge(kind, request, user, known);
    if (answer?.ok === true) return answer;
    // The cache does not know, or the proof does not fit: the password may have been changed since.
    this.cache.delete(user);
    const person = await this.directory.find(user, abortSignal(signal));
    // Asks the next back-end, in the end the gateway's own file of users.
    if (person === undefined) return { ok: false, denial: 'unknown-user' };
    const fresh = judge(kind, request, user, person);
    // Only people who have just proven who they are: what strangers try leaves nothing in the cache.
    if (fresh.ok) this.cache.set(user, person);
    return fresh;
  }
}

const judge = <K extends AuthKind>(
  kind: K,
  request: AuthKinds[K]['request'],
  identity: string,
  { ntHash, address }: Person,
): BackEndAnswer<K> => {
  const grant = judgeProof(kind, request, { ntHash });
  if (grant === undefined) return { ok: false, denial: 'bad-credentials' };
  return { ok: true, identity, profile: address === undefined ? {} : { address }, grant };
};

/** The gateway promises less than an AbortSignal; `fetch` wants a whole one. */
const abortSignal = (signal: CancelSignal): AbortSignal => {
  const controller = new AbortController();
  if (signal.aborted) controller.abort();
  signal.addEventListener('abort', () => controller.abort());
  return controller.signal;
};
