import type {
  AuthEffect,
  AuthInput,
  AuthMethod,
  AuthRefusal,
  ComputeEffect,
  MppeKeyMaterial,
  VerifyEffect,
} from '../ports/auth.ts';
import type { UserProfile } from '../ports/profile.ts';
import type { Instant } from '../time.ts';
import type { AuthSnapshot } from './link-snapshot.ts';
import type { Machine } from './machine.ts';
import type { LinkEffect, LinkOptions } from './ppp-link-types.ts';

export interface AuthPhaseEvents {
  emit(effect: LinkEffect): void;
  accepted(method: string, identity: string, profile: UserProfile, keys: MppeKeyMaterial | undefined): void;
  refused(detail: string): void;
}

/** Event of the note that the server has taken the new password. */
export const PASSWORD_CHANGED = 'auth.password-changed';

/** Requests of one exchange that may wait for the verdict before them. */
const MAX_WAITING = 4;
const NOTHING_WAITS: readonly (VerifyEffect | ComputeEffect)[] = [];

/**
 * Runs the agreed authentication method for a link, in either role. A `verdict` names no request, so only one is ever
 * outstanding: an answer that belongs to an exchange which LCP has restarted meanwhile cannot reach its successor.
 */
export class AuthPhase {
  readonly #options: LinkOptions;
  readonly #events: AuthPhaseEvents;
  #method: AuthMethod | undefined;
  #exchange: Machine<AuthInput, AuthEffect> | undefined;
  /** The exchange whose request is with the back-end. */
  #asking: Machine<AuthInput, AuthEffect> | undefined;
  #waiting: readonly (VerifyEffect | ComputeEffect)[] = NOTHING_WAITS;
  /** Attempts left on this link, whatever a later exchange says: starting LCP anew must not buy further ones. */
  #attemptsLeft = Number.POSITIVE_INFINITY;
  /** Role `client`: the one that the server knows. */
  #password: string | undefined;

  constructor(options: LinkOptions, events: AuthPhaseEvents) {
    this.#options = options;
    this.#password = options.password;
    this.#events = events;
  }

  /** `mru`: the largest information field we may send. */
  begin(method: AuthMethod, mru: number, now: Instant): void {
    const { role, localName, newPassword, random, encryption } = this.#options;
    const password = this.#password;
    this.#method = method;
    this.#waiting = NOTHING_WAITS;
    this.#exchange = method.begin({
      role: role === 'server' ? 'authenticator' : 'peer',
      localName,
      ...(password === undefined ? {} : { password }),
      ...(newPassword === undefined ? {} : { newPassword }),
      random,
      mru,
      keysRequired: encryption === 'required',
    });
    this.#apply(this.#exchange.handle({ kind: 'start' }, now));
  }

  /**
   * Server: the network is up, and so the peer knows that it is in. What was said is needed no more, and not kept for each
   * of very many links; frames that come late are discarded. A client may be challenged again at any time.
   */
  settled(): void {
    if (this.#options.role !== 'server') return;
    this.#exchange = undefined;
    this.#waiting = NOTHING_WAITS;
  }

  /** Undefined while an exchange goes on, whose secrets stay here. */
  snapshot(): AuthSnapshot | undefined {
    if (this.#exchange !== undefined || this.#asking !== undefined) return undefined;
    return { method: this.#method?.name, attemptsLeft: this.#attemptsLeft };
  }

  restore({ method, attemptsLeft }: AuthSnapshot): void {
    this.#method = this.#options.authMethods.find(({ name }) => name === method);
    this.#attemptsLeft = attemptsLeft;
  }

  stop(): void {
    this.#method = undefined;
    this.#exchange = undefined;
    this.#waiting = NOTHING_WAITS;
  }

  owns(protocol: number): boolean {
    return this.#method?.protocols.includes(protocol) === true;
  }

  frame(protocol: number, bytes: Uint8Array, now: Instant): void {
    if (this.#exchange !== undefined) this.#apply(this.#exchange.handle({ kind: 'frame', protocol, bytes }, now));
  }

  /** The peer believes that authentication is over. */
  networkStarted(now: Instant): void {
    if (this.#exchange !== undefined) this.#apply(this.#exchange.handle({ kind: 'network-started' }, now));
  }

  /** The answer to the outstanding request. False when nobody waits for it any more. */
  answer(answer: Extract<AuthInput, { readonly kind: 'verdict' | 'computed' }>, now: Instant): boolean {
    const asked = this.#asking;
    this.#asking = undefined;
    const current = asked !== undefined && asked === this.#exchange;
    if (current) this.#apply(asked.handle(answer, now));
    this.#askNext();
    return current;
  }

  nextTimeout(): Instant | undefined {
    return this.#exchange?.nextTimeout();
  }

  handleTimeout(now: Instant): void {
    const next = this.nextTimeout();
    if (this.#exchange !== undefined && next !== undefined && next <= now)
      this.#apply(this.#exchange.handleTimeout(now));
  }

  /** The method's last words leave before the outcome has consequences (a Failure before the Terminate-Request). */
  #apply(effects: readonly AuthEffect[]): void {
    const method = this.#method?.name ?? 'none';
    for (const effect of effects) {
      if (effect.kind === 'send') this.#events.emit(effect);
      else if (effect.kind === 'attempt-failed') this.#attemptFailed(method, effect);
      else if ((effect.kind === 'verify' || effect.kind === 'compute') && this.#waiting.length < MAX_WAITING) {
        this.#waiting = [...this.#waiting, effect];
      }
    }
    this.#askNext();
    for (const effect of effects) {
      if (effect.kind === 'accept') {
        this.#attemptsLeft = Number.POSITIVE_INFINITY;
        if (effect.passwordChanged === true) this.#passwordChanged();
        this.#events.accepted(method, effect.identity, effect.profile, effect.keys);
      } else if (effect.kind === 'reject') this.#events.refused(refusal(method, effect.denial, effect.detail));
      else if (effect.kind === 'attempt-failed' && effect.retriesLeft > 0 && this.#attemptsLeft === 0) {
        this.#events.refused(refusal(method, effect.denial));
      }
    }
  }

  /** LCP may be negotiated anew, and this link will prove itself with the password of now. */
  #passwordChanged(): void {
    this.#password = this.#options.newPassword;
    this.#events.emit({ kind: 'note', event: PASSWORD_CHANGED, detail: 'the server has taken the new password' });
  }

  #attemptFailed(method: string, effect: Extract<AuthEffect, { kind: 'attempt-failed' }>): void {
    const retriesLeft = Math.max(0, Math.min(effect.retriesLeft, this.#attemptsLeft - 1));
    this.#attemptsLeft = retriesLeft;
    this.#events.emit({ ...effect, retriesLeft, method });
  }

  #askNext(): void {
    if (this.#asking !== undefined || this.#exchange === undefined) return;
    const [request, ...rest] = this.#waiting;
    if (request === undefined) return;
    this.#waiting = rest.length === 0 ? NOTHING_WAITS : rest;
    this.#asking = this.#exchange;
    this.#events.emit(request);
  }
}

/** For people. */
export const WHY_REFUSED = {
  'bad-credentials': 'wrong user name or password',
  expired: 'the password has expired',
  locked: 'the account is locked',
  unavailable: 'the user store cannot be asked',
  'proof-refused': 'a LAN Manager proof is not accepted',
  'change-refused': 'the new password was not taken',
  timeout: 'no valid answer in time',
  protocol: 'the exchange broke the protocol',
  'no-common-method': 'no common method',
} as const satisfies Readonly<Record<AuthRefusal, string>>;

const refusal = (method: string, denial: AuthRefusal, detail = ''): string =>
  `${method}: ${detail === '' ? WHY_REFUSED[denial] : detail}`;
