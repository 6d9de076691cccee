import { earliest, type Instant } from '../time.ts';

/** The part of a timer table that knows these names only. */
export interface TimersOf<Name extends string> {
  set(name: Name, at: Instant): void;
  clear(name: Name): void;
  /** One timer, for a part of the machine that needs no other. */
  handle(name: Name): { readonly set: (at: Instant) => void; readonly clear: () => void };
}

/** The deadlines of one machine, by name: each is set or not; the next wake-up is the minimum. */
export class TimerTable<Name extends string> implements TimersOf<Name> {
  readonly #deadlines = new Map<Name, Instant>();

  set(name: Name, at: Instant): void {
    this.#deadlines.set(name, at);
  }

  clear(name: Name): void {
    this.#deadlines.delete(name);
  }

  clearAll(): void {
    this.#deadlines.clear();
  }

  handle(name: Name): { readonly set: (at: Instant) => void; readonly clear: () => void } {
    return { set: (at) => this.set(name, at), clear: () => this.clear(name) };
  }

  isSet(name: Name): boolean {
    return this.#deadlines.has(name);
  }

  next(): Instant | undefined {
    let next: Instant | undefined;
    for (const at of this.#deadlines.values()) next = earliest(next, at);
    return next;
  }

  /** Takes the timers due at `now` out of the table, earliest first. */
  take(now: Instant): readonly Name[] {
    const due = [...this.#deadlines].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
    for (const [name] of due) this.#deadlines.delete(name);
    return due.map(([name]) => name);
  }
}
