import type {
  Authenticator,
  AuthKind,
  AuthKinds,
  AuthVerdict,
  Computed,
  ComputeEffect,
  ProofOrigin,
} from '../../core/ports/auth.ts';
import type { Log } from '../../core/ports/log.ts';
import type { SpanFailure } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import { askBackEnds } from './ask-back-ends.ts';
import { failureFields } from './failure-words.ts';
import type { TunnelSpans } from './tunnel-spans.ts';

const BACK_END_FAILED: SpanFailure = { error: 'unavailable', message: 'the back-end could not answer' };
const TASK_FAILED: SpanFailure = { error: 'task-failed', message: 'the step could not be done' };

export interface QuestionDeps {
  readonly authenticators: readonly Authenticator[];
  readonly spans: TunnelSpans;
  readonly log: Log;
  readonly now: () => Instant;
  readonly origin: ProofOrigin;
}

/** What the authentication of one tunnel waits for: answers of back-ends, and work that takes its time. Never rejects. */
export class TunnelQuestions {
  private readonly deps: QuestionDeps;
  /** Fires when the tunnel ends. Only while something waits: an idle tunnel needs none, and it is large. */
  private waiting: { readonly abort: AbortController; count: number } | undefined;

  constructor(deps: QuestionDeps) {
    this.deps = deps;
  }

  /** Nothing waits for an answer. */
  get isIdle(): boolean {
    return this.waiting === undefined;
  }

  /** The tunnel ends: whoever still works on an answer may stop. */
  abort(): void {
    this.waiting?.abort.abort();
  }

  async verify<K extends AuthKind>(kind: K, request: AuthKinds[K]['request']): Promise<AuthVerdict<K>> {
    const { authenticators, spans, log, now, origin } = this.deps;
    const since = now();
    const round = spans.asked(kind);
    const verdict = await this.while((signal) =>
      askBackEnds(authenticators, kind, request, signal, origin, log, (backEnd) => {
        const span = round?.step('auth.backend', { 'pptp.backend.name': backEnd, 'ppp.auth.proof': kind });
        return (answer) => {
          span?.attributes({ 'pptp.backend.answer': answer });
          span?.end(answer === 'failed' ? BACK_END_FAILED : undefined);
        };
      }),
    );
    if (verdict.ok && kind.endsWith('-change')) spans.passwordChanged(since);
    return verdict;
  }

  async compute(task: ComputeEffect['task']): Promise<Computed> {
    const { spans, log } = this.deps;
    const span = spans.task();
    try {
      const value = await this.while(task);
      span?.end();
      return { ok: true, value };
    } catch (cause) {
      span?.end(TASK_FAILED);
      log.error('auth.task-failed', 'a step of the authentication could not be done', failureFields(cause));
      return { ok: false };
    }
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
