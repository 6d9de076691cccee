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

interface Timer<Name> {
  readonly name: Name;
  at: Instant;
  next: Timer<Name> | undefined;
}

/**
 * The deadlines of one machine, by name: each is set or not; the next wake-up is the minimum. There are one or two at a
 * time, and very many of these tables: a linked list is smaller than a map, and than an array with its room to grow.
 */
export class TimerTable<Name extends string> implements TimersOf<Name> {
  /** In the order in which they were set. */
  private first: Timer<Name> | undefined;

  set(name: Name, at: Instant): void {
    let last: Timer<Name> | undefined;
    for (let timer = this.first; timer !== undefined; timer = timer.next) {
      if (timer.name === name) {
        timer.at = at;
        return;
      }
      last = timer;
    }
    const added = { name, at, next: undefined };
    if (last === undefined) this.first = added;
    else last.next = added;
  }

  clear(name: Name): void {
    let before: Timer<Name> | undefined;
    for (let timer = this.first; timer !== undefined; timer = timer.next) {
      if (timer.name === name) {
        if (before === undefined) this.first = timer.next;
        else before.next = timer.next;
        return;
      }
      before = timer;
    }
  }

  clearAll(): void {
    this.first = undefined;
  }

  handle(name: Name): TimerHandle {
    return new OneTimer(this, name);
  }

  isSet(name: Name): boolean {
    return this.find(name) !== undefined;
  }

  next(): Instant | undefined {
    let next: Instant | undefined;
    for (let timer = this.first; timer !== undefined; timer = timer.next) next = earliest(next, timer.at);
    return next;
  }

  /** Takes one timer away if its time has come. */
  expire(name: Name, now: Instant): boolean {
    const timer = this.find(name);
    if (timer === undefined || timer.at > now) return false;
    this.clear(name);
    return true;
  }

  /** Takes the timers due at `now` out of the table, earliest first. */
  take(now: Instant): readonly Name[] {
    const due: Timer<Name>[] = [];
    for (let timer = this.first; timer !== undefined; timer = timer.next) if (timer.at <= now) due.push(timer);
    for (const { name } of due) this.clear(name);
    return due.sort((a, b) => a.at - b.at).map(({ name }) => name);
  }

  /** All of them, in the order in which they were set. */
  all(): readonly { readonly name: Name; readonly at: Instant }[] {
    const all: { readonly name: Name; readonly at: Instant }[] = [];
    for (let timer = this.first; timer !== undefined; timer = timer.next) all.push({ name: timer.name, at: timer.at });
    return all;
  }

  private find(name: Name): Timer<Name> | undefined {
    let timer = this.first;
    while (timer !== undefined && timer.name !== name) timer = timer.next;
    return timer;
  }
}
