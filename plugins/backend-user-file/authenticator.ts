import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { asciiText } from '../../core/bytes/ascii.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import { checkNtResponse, generateAuthenticatorResponse, withoutDomain } from '../../core/crypto/ms-chap-v2.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Authenticator, AuthKind, AuthKinds, AuthVerdict } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import { foldName, type User } from './user.ts';
import { type FileStamp, readUsersFile, stampOf } from './users-file.ts';

type Answers = { readonly [K in AuthKind]?: (request: AuthKinds[K]['request']) => AuthVerdict<K> };

/**
 * Answers from the users file. The file is looked at before each answer and read again when it changed; a change that
 * cannot be read keeps the users known so far and is logged once.
 */
export class UserFileAuthenticator implements Authenticator {
  readonly name = 'user-file';
  private readonly path: string;
  private readonly log: Log;
  /** Keys are user names as octets on the wire, one a character: exact, and with case folded. */
  private exact = new Map<string, User>();
  private folded = new Map<string, User>();
  private fixed: ReadonlySet<Ipv4> = new Set();
  private readonly answers: Answers = { 'ms-chap-v2': (request) => this.msChapV2(request) };
  private loaded = false;
  private stamp: FileStamp | undefined;
  private refreshing: Promise<void> | undefined;
  /** Stands in for the hash of users that do not exist, so that they cost as much as a wrong password. */
  private readonly nobody = new Uint8Array(randomBytes(16));

  constructor(path: string, log: Log = silentLog) {
    this.path = path;
    this.log = log;
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
  ): Promise<AuthVerdict<K>> {
    const answer: Answers[K] | undefined = this.answers[kind];
    if (answer === undefined) return { ok: false, denial: 'unavailable' };
    await this.refresh();
    return answer(request);
  }

  private msChapV2(request: AuthKinds['ms-chap-v2']['request']): AuthVerdict<'ms-chap-v2'> {
    const user = this.find(withoutDomain(request.userName));
    const hash = user?.ntHash ?? this.nobody;
    const proven = checkNtResponse(request, hash, request.ntResponse);
    if (!proven || user === undefined) return { ok: false, denial: 'bad-credentials' };
    // Only to those who know the password, so that nobody else learns which accounts there are.
    if (user.disabled) return { ok: false, denial: 'locked' };
    return {
      ok: true,
      identity: user.name,
      profile: user.address === undefined ? {} : { address: user.address },
      grant: {
        authenticatorResponse: generateAuthenticatorResponse(request, hash, request.ntResponse),
        keys: msChapV2MasterKeys(hash, request.ntResponse, 'authenticator'),
      },
    };
  }

  /** Windows sends names in any case, and hashes them as sent: only the look-up folds case. */
  private find(wireName: string): User | undefined {
    return this.exact.get(wireName) ?? this.folded.get(foldWireName(wireName));
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

/** Peers send names as octets; ours are UTF-8. */
const wireName = (name: string): string => asciiText(new TextEncoder().encode(name));

const foldWireName = (name: string): string => {
  const octets = Uint8Array.from(name, (character) => character.charCodeAt(0));
  return wireName(foldName(new TextDecoder().decode(octets)));
};
