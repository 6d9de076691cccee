/**
 * One kind of question between supervisor and worker. Both sides name the same constant; what arrives is looked at before
 * it is believed, since the other process may be about to crash.
 */
export interface Ask<Body, Answer> {
  readonly name: string;
  isBody(value: unknown): value is Body;
  isAnswer(value: unknown): value is Answer;
}

/** A question that its other side refused, could not answer, or did not answer in time. `code` is a stable word. */
export class AskError extends Error {
  readonly code: string;
  override readonly name = 'AskError';

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** For asks without a body, or with nothing to answer. */
export const isNothing = (value: unknown): value is undefined => value === undefined;

/** Answers a question. A GatewayError or AskError that it throws reaches the asker as an AskError with the same code. */
export type Answerer<Body, Answer> = (body: Body) => Answer | Promise<Answer>;

/** One end of the questions between two processes. */
export interface Asking {
  /**
   * Asks the other process. Rejects with AskError: TIMEOUT after `timeoutMs` (5 s), GONE when the process is not there or
   * ends before it has answered, UNKNOWN when nobody there answers such questions, or the code of a refusal.
   */
  request<Body, Answer>(ask: Ask<Body, Answer>, body: Body, timeoutMs?: number): Promise<Answer>;
}

/** A worker's way to its supervisor. */
export interface SupervisorLink extends Asking {
  /** Says who answers questions of this kind that the supervisor asks. */
  answer<Body, Answer>(ask: Ask<Body, Answer>, answerer: Answerer<Body, Answer>): void;
}

/** The supervisor's way to one worker, through all of its lives. */
export interface WorkerLink extends Asking {
  readonly index: number;
  /** It can be asked: it has started and is not known to be dead. */
  readonly alive: boolean;
}

/** The supervisor's way to its workers. */
export interface WorkerLinks {
  /** By index; always all of them. */
  readonly workers: readonly WorkerLink[];
  /** Says who answers questions of this kind that workers ask; `from` is the worker's index. */
  answer<Body, Answer>(ask: Ask<Body, Answer>, answerer: (body: Body, from: number) => Answer | Promise<Answer>): void;
  /**
   * `listener` runs when a worker has started, first or again, and before it gets its first connection: what it has to
   * know from its life before is told here. When it rejects, the worker is killed and started again.
   */
  onStarted(listener: (worker: WorkerLink) => void | Promise<void>): void;
  /** `listener` runs when a worker has ended, however that came; what it had is gone. */
  onEnded(listener: (worker: WorkerLink) => void): void;
}
