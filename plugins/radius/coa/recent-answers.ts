import { aNumber, aRecord, aText, oneOfState, type StateOf, someBytes, someOf } from '../../../core/bytes/state.ts';

const readAnswer = aRecord({ key: aText(128), until: aNumber, answer: someBytes(20, 4096) });
export type RecentAnswer = StateOf<typeof readAnswer>;

/** What one process leaves for the next. */
const readState = aRecord({ version: oneOfState(1), recent: someOf(readAnswer, 1_000_000) });
export type CoaState = StateOf<typeof readState>;

/** Undefined: it is none, or of another version. */
export const readCoaState = (value: unknown): CoaState | undefined => readState(value)?.value;

/** What has been answered lately, so that a copy of a request is answered with the same octets and does nothing. */
export class RecentAnswers {
  private readonly most: number;
  private readonly keepMs: number;
  /** Oldest first. `answer` is undefined while the request is worked on. */
  private readonly known = new Map<string, { readonly until: number; answer: Uint8Array | undefined }>();

  /** `most` requests are remembered, each for so many ms. */
  constructor(most: number, keepMs: number) {
    this.most = most;
    this.keepMs = keepMs;
  }

  get size(): number {
    return this.known.size;
  }

  /** `new`: now it is known, and to be worked on. */
  seen(key: string, now: number): 'new' | 'in-work' | Uint8Array {
    for (const [old, { until }] of this.known) {
      if (until > now && this.known.size <= this.most) break;
      this.known.delete(old);
    }
    const found = this.known.get(key);
    if (found !== undefined) return found.answer ?? 'in-work';
    this.known.set(key, { until: now + this.keepMs, answer: undefined });
    return 'new';
  }

  /** Those that have their answer, as plain data. */
  snapshot(): readonly RecentAnswer[] {
    return [...this.known].flatMap(([key, { until, answer }]) =>
      answer === undefined ? [] : [{ key, until, answer }],
    );
  }

  /** In a process that goes on for another one. */
  restore(answers: readonly RecentAnswer[]): void {
    for (const { key, until, answer } of answers.slice(-this.most)) this.known.set(key, { until, answer });
  }

  answered(key: string, answer: Uint8Array): void {
    const found = this.known.get(key);
    if (found !== undefined) found.answer = answer;
  }
}
