import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { readAnswer, type ServiceAnswer, settleAnswer } from '../../core/json/answer-json.ts';
import { isJsonKind, type JsonKind, questionJson } from '../../core/json/proof-json.ts';
import type { Authenticator, AuthKind, AuthKinds, BackEndAnswer, ProofOrigin } from '../../core/ports/auth.ts';
import type { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { AnswerCache } from './answer-cache.ts';
import { WebhookFault } from './fault.ts';
import type { WebhookOptions } from './options.ts';
import type { Service } from './service.ts';

export type AuthenticatorOptions = Pick<
  WebhookOptions,
  'proofs' | 'fixedAddresses' | 'cacheSeconds' | 'cacheRejectSeconds'
>;

type Request<K extends AuthKind> = AuthKinds[K]['request'];

/** Answers that do not depend on the proof: for these alone a cache is right. */
export type CachedAnswer = Exclude<ServiceAnswer, { readonly result: 'accept' }>;

/** Asks the service about each proof, but where it told the secret of this user a moment ago. */
export class WebhookAuthenticator implements Authenticator {
  readonly name = 'webhook';
  private readonly service: Pick<Service, 'ask'>;
  private readonly cache: AnswerCache<CachedAnswer>;
  private readonly log: BoundedLog;
  private readonly options: AuthenticatorOptions;

  constructor(
    service: Pick<Service, 'ask'>,
    cache: AnswerCache<CachedAnswer>,
    log: BoundedLog,
    options: AuthenticatorOptions,
  ) {
    this.service = service;
    this.cache = cache;
    this.log = log;
    this.options = options;
  }

  supports(kind: AuthKind): boolean {
    return this.options.proofs.some((one) => one === kind);
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    return this.options.fixedAddresses;
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: Request<K>,
    signal: CancelSignal,
    origin: ProofOrigin,
  ): Promise<BackEndAnswer<K>> {
    if (!isJsonKind(kind) || !this.supports(kind)) return { ok: false, denial: 'unavailable' };
    return this.fromCache(kind, request, origin) ?? (await this.fromService(kind, request, signal, origin));
  }

  private fromCache<K extends JsonKind>(
    kind: K,
    request: Request<K>,
    origin: ProofOrigin,
  ): BackEndAnswer<K> | undefined {
    const key = keyOf(kind, request, origin);
    const known = this.cache.get(key);
    if (known === undefined) return undefined;
    const answer = settleAnswer(kind, request, known);
    if (answer?.ok === true || known.result !== 'secret') return answer;
    // The password may have been changed since; and nobody shall search for it at the speed of this cache.
    this.cache.delete(key);
    return undefined;
  }

  private async fromService<K extends JsonKind>(
    kind: K,
    request: Request<K>,
    signal: CancelSignal,
    origin: ProofOrigin,
  ): Promise<BackEndAnswer<K>> {
    const { era } = this.cache;
    const read = readAnswer(kind, await this.service.ask(questionJson(kind, request, origin), signal));
    if (!read.ok) throw this.refused(read.complaint);
    const answer = settleAnswer(kind, request, read.value);
    if (answer === undefined) throw this.refused(`answer has a secret that cannot judge a proof of the kind ${kind}`);
    if (era === this.cache.era) this.keep(keyOf(kind, request, origin), kind, read.value, answer);
    return answer;
  }

  private keep<K extends JsonKind>(key: string, kind: K, said: ServiceAnswer<K>, answer: BackEndAnswer<K>): void {
    const { cacheSeconds, cacheRejectSeconds } = this.options;
    if (said.result === 'secret' && answer.ok) {
      // CHAP-MD5 alone needs more than the hash.
      const { ntHash } = said.secrets;
      this.cache.set(key, kind === 'chap-md5' ? said : { ...said, secrets: { ntHash } }, cacheSeconds * 1000);
    } else if (said.result === 'unknown-user' || (said.result === 'reject' && said.denial === 'locked')) {
      this.cache.set(key, said, cacheRejectSeconds * 1000);
    }
  }

  private refused(complaint: string): WebhookFault {
    this.log.warn('webhook.answer-refused', `An answer of the service cannot be used: ${complaint}.`, {});
    return new WebhookFault('WEBHOOK_ANSWER', complaint);
  }
}

/** With the addresses: what a service says may depend on them. */
const keyOf = (kind: JsonKind, { userName }: { readonly userName: string }, { session }: ProofOrigin): string =>
  `${kind} ${session.call.peer} ${session.call.local} ${userName}`;
