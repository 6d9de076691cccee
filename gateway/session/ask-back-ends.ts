import type { AuthDenial, AuthKind, AuthKinds, AuthVerdict, ProofOrigin } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Log } from '../../core/ports/log.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import type { AskedBackEnd } from '../containment/containment.ts';
import { failureFields, failureText } from './failure-words.ts';

/** One question to a back-end. */
export interface BackEndQuestion {
  readonly span: PhaseSpan | undefined;
  answered(answer: AuthDenial | 'accepted' | 'unknown-user' | 'failed'): void;
}

/** Sees each question to a back-end begin; what it returns hears the answer. */
export type BackEndWatch = (backEnd: string) => BackEndQuestion;

const UNWATCHED: BackEndQuestion = { span: undefined, answered: () => undefined };

/**
 * Asks the back-ends that can judge this kind of proof, in binding order (plug-ins of the operator before the built-in
 * user file): the first that knows the user decides. A back-end that fails is not a back-end that says no: its users
 * must not be looked for elsewhere, so the answer is `unavailable`.
 */
export async function askBackEnds<K extends AuthKind>(
  backEnds: readonly AskedBackEnd[],
  kind: K,
  request: AuthKinds[K]['request'],
  signal: CancelSignal,
  origin: ProofOrigin,
  log: Log,
  watch: BackEndWatch = () => UNWATCHED,
): Promise<AuthVerdict<K>> {
  let asked = 0;
  for (const backEnd of backEnds) {
    let question: BackEndQuestion | undefined;
    try {
      if (!backEnd.supports(kind)) continue;
      asked += 1;
      question = watch(backEnd.name);
      const answer = await backEnd.verify(kind, request, signal, origin, question.span);
      question.answered(answer.ok ? 'accepted' : answer.denial);
      if (answer.ok) return answer;
      const { denial } = answer;
      if (denial !== 'unknown-user') return { ok: false, denial };
    } catch (cause) {
      question?.answered('failed');
      const { name } = backEnd;
      // Anybody can hang up while a back-end works; the operator has nothing to mend.
      if (signal.aborted) log.debug('auth.backend-cancelled', `the peer left before the back-end ${name} answered`);
      else log.error('auth.backend-failed', `the back-end ${name} could not answer`, failureFields(cause));
      const text = failureText(cause, request);
      log.debug('auth.backend-error', `what the back-end ${name} said of it`, { user: request.userName, cause: text });
      return { ok: false, denial: 'unavailable' };
    }
  }
  // Not told apart from a wrong password: nobody shall learn which names exist.
  return { ok: false, denial: asked === 0 ? 'unavailable' : 'bad-credentials' };
}
