import type { LinkInput } from '../../core/machine/ppp-link-types.ts';
import type {
  AuthDenial,
  AuthKind,
  AuthKinds,
  AuthVerdict,
  Computed,
  ComputeEffect,
  ProofOrigin,
  VerifyEffect,
} from '../../core/ports/auth.ts';
import type { Log } from '../../core/ports/log.ts';
import type { SpanFailure } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import type { AskedBackEnd } from '../containment/containment.ts';
import { askBackEnds, type BackEndQuestion } from './ask-back-ends.ts';
import { failureFields } from './failure-words.ts';
import type { Policies } from './policies.ts';
import type { TunnelSpans } from './tunnel-spans.ts';

const BACK_END_FAILED: SpanFailure = { error: 'unavailable', message: 'the back-end could not answer' };
const TASK_FAILED: SpanFailure = { error: 'task-failed', message: 'the step could not be done' };

export interface QuestionDeps {
  readonly authenticators: readonly AskedBackEnd[];
  readonly policies: Policies | undefined;
  readonly spans: TunnelSpans;
  readonly log: Log;
  readonly now: () => Instant;
  readonly origin: ProofOrigin;
}

type LinkAnswer = Extract<LinkInput, { readonly kind: 'verdict' | 'computed' }>;

/** What the authentication of one tunnel waits for: answers of back-ends, and work that takes its time. Never rejects. */
export class TunnelQuestions {
  private readonly deps: QuestionDeps;
  /** Fires when the tunnel ends. Only while something waits: an idle tunnel needs none, and it is large. */
  /** The user of an attempt that began with a task, until it is known how it went. */
  private begun: string | undefined;
  /** Whether the peer has answered a challenge of that attempt. */
  private answered = false;
  private waiting: { readonly abort: AbortController; count: number } | undefined;

  constructor(deps: QuestionDeps) {
    this.deps = deps;
  }

  /** Nothing waits for an answer. */
  get isIdle(): boolean {
    return this.waiting === undefined && this.begun === undefined;
  }

  /** The tunnel ends: whoever still works on an answer may stop. */
  abort(): void {
    this.givenUp();
    this.waiting?.abort.abort();
  }

  /** `answered` gets the link's input. */
  async answer(effect: VerifyEffect | ComputeEffect, answered: (answer: LinkAnswer) => void): Promise<void> {
    if (effect.kind === 'compute') answered({ kind: 'computed', result: await this.compute(effect) });
    else answered({ kind: 'verdict', verdict: await this.verify(effect.method, effect.request) });
  }

  async verify<K extends AuthKind>(kind: K, request: AuthKinds[K]['request']): Promise<AuthVerdict<K>> {
    const { authenticators, policies, spans, log, now, origin } = this.deps;
    const since = now();
    const round = spans.asked(kind);
    const { userName } = request;
    const source = origin.session.call.peer;
    // An attempt of its own, whatever a relay was asked before.
    this.begun = undefined;
    if (policies?.mayTry(userName, source) === false) return { ok: false, denial: 'locked' };
    const verdict = await this.while((signal) =>
      askBackEnds(authenticators, kind, request, signal, origin, log, (backEnd) => {
        const span = round?.step('auth.backend', { 'pptp.backend.name': backEnd, 'ppp.auth.proof': kind });
        const answered: BackEndQuestion['answered'] = (answer) => {
          span?.attributes({ 'pptp.backend.answer': answer });
          span?.end(answer === 'failed' ? BACK_END_FAILED : undefined);
        };
        return { span, answered };
      }),
    );
    const passes = policies?.mayPass(userName, source) !== false;
    const denial = verdict.ok ? undefined : verdict.denial;
    policies?.tried(userName, source, passes ? denial : (denial ?? 'locked'));
    // Right or wrong: the answer must not tell which.
    if (!passes) return { ok: false, denial: 'locked' };
    if (verdict.ok && kind.endsWith('-change')) spans.passwordChanged(since);
    return verdict;
  }

  async compute({ task, attempt }: ComputeEffect): Promise<Computed> {
    const { spans, log, policies, origin } = this.deps;
    if (attempt === undefined) this.answered = true;
    else this.givenUp();
    if (attempt !== undefined && policies !== undefined) {
      const { userName } = attempt;
      if (!policies.mayTry(userName, origin.session.call.peer)) return { ok: false, denial: 'locked' };
      this.begun = userName;
    }
    const span = spans.task();
    try {
      const value = await this.while((signal) => task(signal, origin, span));
      span?.end();
      return { ok: true, value };
    } catch (cause) {
      span?.end(TASK_FAILED);
      log.error('auth.task-failed', 'a step of the authentication could not be done', failureFields(cause));
      return { ok: false };
    }
  }

  /**
   * Methods tell the peer from within that a password is wrong, before the server's verdict comes: who leaves then, or begins
   * anew, has made an attempt all the same. Who leaves while the server is asked has learnt nothing.
   */
  private givenUp(): void {
    if (this.answered && this.waiting === undefined) this.judged('bad-credentials');
    this.begun = undefined;
    this.answered = false;
  }

  /** How an attempt has ended that began with a task. Others the back-end's verdict has told of. */
  judged(denial: AuthDenial | undefined): void {
    const { policies, origin } = this.deps;
    if (this.begun !== undefined) policies?.tried(this.begun, origin.session.call.peer, denial);
    this.begun = undefined;
    this.answered = false;
  }

  private async while<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const waiting = this.waiting ?? { abort: new AbortController(), count: 0 };
    this.waiting = waiting;
    waiting.count += 1;
    try {
      return await work(waiting.abort.signal);
    } finally {
      waiting.count -= 1;
      if (waiting.count === 0) this.waiting = undefined;
    }
  }
}
