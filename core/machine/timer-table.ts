import { earliest, type Instant } from '../time.ts';

/** The part of a timer table that knows these names only. */
export interface TimersOf<Name extends string> {
  set(name: Name, at: Instant): void;
  clear(name: Name): void;
  /** One timer, for a part of the machine that needs no other. */
  handle(name: Name): TimerHandle;
}

export interface TimerHandle {
  set(at: Instant): void;
  clear(): void;
}

class OneTimer<Name extends string> implements TimerHandle {
  private readonly table: TimersOf<Name>;
  private readonly name: Name;

  constructor(table: TimersOf<Name>, name: Name) {
    this.table = table;
    this.name = name;
  }

  set(at: Instant): void {
    this.table.set(this.name, at);
  }

  clear(): void {
    this.table.clear(this.name);
  }
}

/**
 * The deadlines of one machine, by name: each is set or not; the next wake-up is the minimum. There are one or two at a
 * time, so a list is smaller than a map, and there are very many of these tables.
 */
export class TimerTable<Name extends string> implements TimersOf<Name> {
  /** In the order in which they were set; `times[i]` is that of `names[i]`. */
  private readonly names: Name[] = [];
  private readonly times: Instant[] = [];

  set(name: Name, at: Instant): void {
    const index = this.names.indexOf(name);
    if (index >= 0) {
      this.times[index] = at;
      return;
    }
    this.names.push(name);
    this.times.push(at);
  }

  clear(name: Name): void {
    const index = this.names.indexOf(name);
    if (index < 0) return;
    this.names.splice(index, 1);
    this.times.splice(index, 1);
  }

  clearAll(): void {
    this.names.length = 0;
    this.times.length = 0;
  }

  handle(name: Name): TimerHandle {
    return new OneTimer(this, name);
  }

  isSet(name: Name): boolean {
    return this.names.includes(name);
  }

  next(): Instant | undefined {
    let next: Instant | undefined;
    for (const at of this.times) next = earliest(next, at);
    return next;
  }

  /** Takes the timers due at `now` out of the table, earliest first. */
  take(now: Instant): readonly Name[] {
    const due: { readonly name: Name; readonly at: Instant }[] = [];
    for (const [index, name] of this.names.entries()) {
      const at = this.times[index];
      if (at !== undefined && at <= now) due.push({ name, at });
    }
    for (const { name } of due) this.clear(name);
    return due.sort((a, b) => a.at - b.at).map(({ name }) => name);
  }
}
