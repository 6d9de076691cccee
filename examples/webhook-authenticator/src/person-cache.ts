import { after, type Clock, type Instant } from 'pptp-gateway/core';
import type { Person } from './directory.ts';

const MOST = 1000;

/** Remembers a few people for a short time. Everything in a gateway that grows has a bound: this one drops the oldest. */
export class PersonCache {
  private readonly clock: Clock;
  private readonly seconds: number;
  private readonly entries = new Map<string, { readonly person: Person; readonly until: Instant }>();

  constructor(clock: Clock, seconds: number) {
    this.clock = clock;
    this.seconds = seconds;
  }

  get(user: string): Person | undefined {
    const entry = this.entries.get(user);
    if (entry !== undefined && this.clock.now() < entry.until) return entry.person;
    this.entries.delete(user);
    return undefined;
  }

  set(user: string, person: Person): void {
    this.entries.delete(user);
    this.entries.set(user, { person, until: after(this.clock.now(), this.seconds * 1000) });
    const [oldest] = this.entries.keys();
    if (this.entries.size > MOST && oldest !== undefined) this.entries.delete(oldest);
  }

  delete(user: string): void {
    this.entries.delete(user);
  }
}
