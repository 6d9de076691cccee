import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { asciiText } from '../../core/bytes/ascii.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { withoutDomain } from '../../core/crypto/ms-chap-v2.ts';
import { GatewayError } from '../../core/errors.ts';
import type { AuthDenial, Authenticator, AuthKind, AuthKinds, BackEndAnswer } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import {
  msChapV1Change,
  msChapV1Grant,
  msChapV2Change,
  msChapV2Grant,
  type ProvenChange,
  provenByChapMd5,
  provenByMsChapV1,
  provenByMsChapV2,
  provenByPap,
  type Secrets,
} from '../../core/proofs/proofs.ts';
import { foldName, passwordFault, type User } from './user.ts';
import { changeOwnPassword } from './users.ts';
import { type FileStamp, readUsersFile, stampOf } from './users-file.ts';

/** Looks at the file in a time, in ms: each is a system call in another thread, which is dearer than checking a proof. */
const MOST_LOOKS = 10;
const LOOK_MS = 100;

type Answer<K extends AuthKind> = BackEndAnswer<K> | Promise<BackEndAnswer<K>>;
type Answers = { readonly [K in AuthKind]?: (request: AuthKinds[K]['request']) => Answer<K> };

/**
 * Answers from the users file. The file is looked at before each answer and read again when it changed; a change that
 * cannot be read keeps the users known so far and is logged once. Where very many ask at once, they share looks: there are
 * at most `MOST_LOOKS` in `LOOK_MS`, so that an edit is in force that much later at the worst.
 */
export class UserFileAuthenticator implements Authenticator {
  readonly name = 'user-file';
  private readonly path: string;
  private readonly log: Log;
  /** Keys are user names as octets on the wire, one a character: exact, and with case folded. */
  private exact = new Map<string, User>();
  private folded = new Map<string, User>();
  private fixed: ReadonlySet<Ipv4> = new Set();
  private readonly answers: Answers = {
    pap: (request) => this.judge(request, provenByPap, () => ({})),
    'chap-md5': (request) => this.chapMd5(request),
    'ms-chap-v1': (request) => this.judge(request, provenByMsChapV1, ({ ntHash }) => msChapV1Grant(request, ntHash)),
    'ms-chap-v1-change': (request) => this.change(request.userName, (hash) => msChapV1Change(request, hash)),
    'ms-chap-v2': (request) => this.judge(request, provenByMsChapV2, ({ ntHash }) => msChapV2Grant(request, ntHash)),
    certificate: (request) => this.certificate(request),
    'ms-chap-v2-change': (request) => this.change(request.userName, (hash) => msChapV2Change(request, hash)),
  };
  private loaded = false;
  private stamp: FileStamp | undefined;
  private refreshing: Promise<void> | undefined;
  private readonly now: () => number;
  /** Looks at the file since `looksFrom`. */
  private looks = 0;
  private looksFrom = Number.NEGATIVE_INFINITY;
  /** Stands in for the secrets of users that do not exist, so that they cost as much as a wrong password. */
  private readonly nobody: Secrets = {
    ntHash: new Uint8Array(randomBytes(16)),
    password: randomBytes(12).toString('base64'),
  };

  /** `now` in ms of any clock that does not go back. */
  constructor(path: string, log: Log = silentLog, now: () => number = () => performance.now()) {
    this.path = path;
    this.log = log;
    this.now = now;
  }

  /** Reads the file for the first time: throws USERS_FILE with what to do. */
  async load(): Promise<void> {
    const { users, stamp } = await readUsersFile(this.path);
    this.replace(users, stamp);
  }

  supports(kind: AuthKind): boolean {
    return this.answers[kind] !== undefined;
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    return this.fixed;
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    _signal: CancelSignal,
  ): Promise<BackEndAnswer<K>> {
    const answer: Answers[K] | undefined = this.answers[kind];
    if (answer === undefined) return { ok: false, denial: 'unavailable' };
    if (this.wantsLook()) await this.refresh();
    return answer(request);
  }

  private judge<R extends { readonly userName: string }, G>(
    request: R,
    proven: (request: R, secrets: Secrets) => boolean,
    grant: (user: User) => G,
  ): Judged<G> {
    const user = this.find(withoutDomain(request.userName));
    const good = proven(request, user ?? this.nobody);
    if (user === undefined) return UNKNOWN_USER;
    if (!good) return BAD_CREDENTIALS;
    const denial = denialOf(user);
    return denial === undefined ? accepted(user, grant(user)) : { ok: false, denial };
  }

  private chapMd5(request: AuthKinds['chap-md5']['request']): BackEndAnswer<'chap-md5'> {
    const user = this.find(withoutDomain(request.userName));
    if (user !== undefined && user.password === undefined) {
      this.log.warn(
        'auth.no-stored-password',
        'CHAP-MD5 needs the password itself, and the users file holds only the hash of this one: ' +
          'store it with `pptp-gateway users passwd NAME --store-password`, or use MS-CHAPv2.',
        { user: user.name },
      );
      return BAD_CREDENTIALS;
    }
    return this.judge(request, provenByChapMd5, () => ({}));
  }

  /** The certificate has been verified; that a password has expired is nothing to it. */
  private certificate(request: AuthKinds['certificate']['request']): BackEndAnswer<'certificate'> {
    const user = this.find(withoutDomain(request.userName));
    if (user === undefined) return UNKNOWN_USER;
    return user.disabled ? { ok: false, denial: 'locked' } : accepted(user, {});
  }

  /** Only for a password that has expired: nobody else was asked for a new one. */
  private async change<K extends 'ms-chap-v1' | 'ms-chap-v2'>(
    userName: string,
    open: (oldHash: Uint8Array) => ProvenChange<K> | undefined,
  ): Promise<BackEndAnswer<K>> {
    const user = this.find(withoutDomain(userName));
    const change = open(user?.ntHash ?? this.nobody.ntHash);
    if (user === undefined) return UNKNOWN_USER;
    if (change === undefined) return BAD_CREDENTIALS;
    const denial = denialOf(user);
    if (denial !== 'expired') return { ok: false, denial: denial ?? 'change-refused' };
    const { newPassword, grant } = change;
    const fault = passwordFault(newPassword);
    const changed = fault === undefined && (await this.write(user, newPassword));
    if (changed === undefined) return { ok: false, denial: 'change-refused' };
    if (!changed) {
      const why = fault === undefined ? 'is the old one, or the user was edited meanwhile' : fault;
      this.log.warn('users.password-refused', `The new password of a user ${why}.`, { user: user.name });
      return { ok: false, denial: 'change-refused' };
    }
    this.log.info('users.password-changed', 'A user changed an expired password.', { user: user.name });
    return accepted(user, grant);
  }

  /** False: it is not taken. Undefined: the file cannot be written, and the log says so. */
  private async write(user: User, newPassword: string): Promise<boolean | undefined> {
    try {
      return await changeOwnPassword(this.path, user, newPassword);
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      const what = 'The new password of a user cannot be written, and the old one stays in force';
      this.log.error('users.password-unwritten', `${what}. ${cause.message}`, { user: user.name });
      return undefined;
    }
  }

  /** Windows sends names in any case, and hashes them as sent: only the look-up folds case. */
  private find(wireName: string): User | undefined {
    return this.exact.get(wireName) ?? this.folded.get(foldWireName(wireName));
  }

  /** False: it was looked at often enough a moment ago. Who asks while somebody looks waits for the same look. */
  private wantsLook(): boolean {
    if (!this.loaded || this.refreshing !== undefined) return true;
    const now = this.now();
    if (now - this.looksFrom >= LOOK_MS) {
      this.looksFrom = now;
      this.looks = 0;
    }
    if (this.looks >= MOST_LOOKS) return false;
    this.looks += 1;
    return true;
  }

  private refresh(): Promise<void> {
    this.refreshing ??= this.reload().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async reload(): Promise<void> {
    if (!this.loaded) {
      await this.load();
      return;
    }
    let stamp: FileStamp | undefined;
    try {
      stamp = stampOf(await stat(this.path, { bigint: true }));
      if (stamp === this.stamp) return;
      const fresh = await readUsersFile(this.path);
      this.replace(fresh.users, fresh.stamp);
      this.log.info('users.reloaded', 'The users file changed and was read again.', { users: fresh.users.length });
    } catch (cause) {
      const seen = stamp ?? 'missing';
      if (seen === this.stamp) return;
      this.stamp = seen;
      const why = cause instanceof GatewayError ? cause.message : `The users file ${this.path} cannot be read.`;
      this.log.error('users.reload-failed', `${why} The users known so far stay in force.`);
    }
  }

  private replace(users: readonly User[], stamp: FileStamp): void {
    this.exact = new Map(users.map((user) => [wireName(user.name), user]));
    this.folded = new Map(users.map((user) => [wireName(foldName(user.name)), user]));
    this.fixed = new Set(users.flatMap(({ address }) => (address === undefined ? [] : [address])));
    this.stamp = stamp;
    this.loaded = true;
  }
}

const BAD_CREDENTIALS = { ok: false, denial: 'bad-credentials' } as const;
/** For the operator, and for a back-end that may be asked after this one: who calls is told of a wrong password. */
const UNKNOWN_USER = { ok: false, denial: 'unknown-user' } as const;

type Judged<G> =
  | { readonly ok: true; readonly identity: string; readonly profile: UserProfile; readonly grant: G }
  | { readonly ok: false; readonly denial: AuthDenial | 'unknown-user' };

/** Told only to those who know the password, so that nobody else learns which accounts there are. */
const denialOf = (user: User): AuthDenial | undefined => {
  if (user.disabled) return 'locked';
  return user.mustChange === true ? 'expired' : undefined;
};

const accepted = <G>(user: User, grant: G): Judged<G> => ({
  ok: true,
  identity: user.name,
  profile: user.address === undefined ? {} : { address: user.address },
  grant,
});

/** Peers send names as octets; ours are UTF-8. */
const wireName = (name: string): string => asciiText(new TextEncoder().encode(name));

const foldWireName = (name: string): string => {
  const octets = Uint8Array.from(name, (character) => character.charCodeAt(0));
  return wireName(foldName(new TextDecoder().decode(octets)));
};
