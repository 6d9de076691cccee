import { NoteBudget } from '../../core/machine/note-budget.ts';
import { type Log, LogByLevel, type LogFields, type LogLevel } from '../../core/ports/log.ts';
import type { Instant } from '../../core/time.ts';

/** Lines that one event of one session may cause in a minute. */
const LINES_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/**
 * The log of one session: a peer that negotiates anew for ever must not fill it. What goes beyond the budget of an event
 * is counted, and the next line of that event says how much it was (`notLogged`). Events are from a small fixed set.
 */
export class SessionLog extends LogByLevel {
  private readonly parent: Log;
  private readonly fields: LogFields;
  private readonly now: () => Instant;
  /** Made for the first line, and again after `rest`. */
  private log: Log | undefined;
  private budgets: Map<string, NoteBudget> | undefined;

  /** Lines go to a child of `parent` with these fields. */
  constructor(parent: Log, fields: LogFields, now: () => Instant, budgets?: Map<string, NoteBudget>) {
    super();
    this.parent = parent;
    this.fields = fields;
    this.now = now;
    this.budgets = budgets;
  }

  /** It spends from the same budgets. */
  child(fields: LogFields): Log {
    this.budgets ??= new Map();
    return new SessionLog(this.parent, { ...this.fields, ...fields }, this.now, this.budgets);
  }

  /**
   * The session will be silent for long: it holds what a line needs no more, for there are very many such sessions. Its
   * budgets begin anew, so this is for once in a session.
   */
  rest(): void {
    this.log = undefined;
    this.budgets = undefined;
  }

  protected override write(level: LogLevel, event: string, message: string, fields: LogFields | undefined): void {
    this.budgets ??= new Map();
    let budget = this.budgets.get(event);
    if (budget === undefined) {
      budget = new NoteBudget(LINES_A_MINUTE, MINUTE_MS);
      this.budgets.set(event, budget);
    }
    const missed = budget.take(this.now());
    if (missed === undefined) return;
    this.log ??= this.parent.child(this.fields);
    this.log[level](event, message, missed > 0 ? { ...fields, notLogged: missed } : fields);
  }
}
