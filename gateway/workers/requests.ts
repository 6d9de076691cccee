import { GatewayError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';
import { type Ask, AskError, type Asking } from './ask.ts';
import type { RequestMessage, ResponseMessage } from './messages.ts';

const TIMEOUT_MS = 5000;
/** Questions that may be open to one process; a caller without bound is refused. */
const MOST_OPEN = 4096;

interface Open {
  answered(response: ResponseMessage): void;
  failed(error: AskError): void;
}

/** Pairs questions to one process with their answers. */
export class Requests implements Asking {
  private readonly clock: Clock;
  private readonly send: (message: RequestMessage) => void;
  private readonly open = new Map<number, Open>();
  private lastId = 0;

  constructor(clock: Clock, send: (message: RequestMessage) => void) {
    this.clock = clock;
    this.send = send;
  }

  request<Body, Answer>(ask: Ask<Body, Answer>, body: Body, timeoutMs: number = TIMEOUT_MS): Promise<Answer> {
    if (this.open.size >= MOST_OPEN) return Promise.reject(new AskError('BUSY', `too many questions: ${ask.name}`));
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const late = new AskError('TIMEOUT', `${ask.name} was not answered within ${timeoutMs} ms`);
      const cancel = this.clock.schedule(after(this.clock.now(), timeoutMs), () => settle(() => reject(late)));
      const settle = (end: () => void): void => {
        cancel();
        this.open.delete(id);
        end();
      };
      const answered = (response: ResponseMessage): void => {
        if (!response.ok) reject(new AskError(response.code, response.message));
        else if (ask.isAnswer(response.body)) resolve(response.body);
        else reject(new AskError('BAD_ANSWER', `the answer to ${ask.name} is not one`));
      };
      this.open.set(id, {
        answered: (response) => settle(() => answered(response)),
        failed: (error) => settle(() => reject(error)),
      });
      this.send({ kind: 'request', id, ask: ask.name, body });
    });
  }

  /** An answer has come; one to a question that is not open any more is passed over. */
  take(response: ResponseMessage): void {
    this.open.get(response.id)?.answered(response);
  }

  /** The process has ended: nothing that is open will be answered. */
  fail(): void {
    for (const { failed } of [...this.open.values()])
      failed(new AskError('GONE', 'the process that was asked has ended'));
  }
}

type Erased = (body: unknown, from: number) => Promise<unknown>;

/** Who answers which questions of the other process. */
export class Answerers {
  private readonly byName = new Map<string, Erased>();

  set<Body, Answer>(ask: Ask<Body, Answer>, answerer: (body: Body, from: number) => Answer | Promise<Answer>): void {
    if (this.byName.has(ask.name)) throw new Error(`${ask.name} has somebody who answers it`);
    this.byName.set(ask.name, async (body, from) => {
      if (!ask.isBody(body)) throw new AskError('BAD_REQUEST', `the body of ${ask.name} is not one`);
      return await answerer(body, from);
    });
  }

  /** Never rejects. */
  async answer({ id, ask, body }: RequestMessage, from: number): Promise<ResponseMessage> {
    const answerer = this.byName.get(ask);
    if (answerer === undefined) return refusal(id, 'UNKNOWN', `nobody answers ${ask}`);
    try {
      return { kind: 'response', id, ok: true, body: await answerer(body, from) };
    } catch (cause) {
      const known = cause instanceof GatewayError || cause instanceof AskError;
      return refusal(id, known ? cause.code : 'INTERNAL', cause instanceof Error ? cause.message : String(cause));
    }
  }
}

const refusal = (id: number, code: string, message: string): ResponseMessage => ({
  kind: 'response',
  id,
  ok: false,
  code,
  message,
});
