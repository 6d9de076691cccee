import type { Clock } from '../../../core/ports/clock.ts';
import { after, type Instant } from '../../../core/time.ts';
import type { AdminError } from '../../admin/route.ts';
import { RULE_NUMBER_HEADER, type TraceRequest, type TraceRule, type TraceState } from '../../admin/routes/trace.ts';
import type { WorkerRequest } from './ask-worker.ts';
import type { Crew, CrewReplies } from './crew.ts';
import { codeOf, isGood, partOf, refusalOf } from './view-route.ts';

interface Count {
  readonly traced: number;
  readonly suppressed: number;
}

interface Rule {
  readonly id: string;
  readonly wish: Omit<TraceRequest, 'seconds'>;
  readonly by: string;
  readonly until: Instant | undefined;
  /** Of workers that were asked for it and are there, what they last said of it; `most`: as many as they were asked for. */
  readonly counts: Map<number, Count & { readonly most: number | undefined }>;
  /** Of workers that are gone. */
  past: Count;
}

const PATH = '/v1/trace/rules';
/** How often rules for a number of packets are looked at; until then each worker counts for itself. */
const LOOK_MS = 500;
const NOTHING: Count = { traced: 0, suppressed: 0 };
const LOOKER = 'supervisor';

const plus = (a: Count, b: Count): Count => ({
  traced: a.traced + b.traced,
  suppressed: a.suppressed + b.suppressed,
});
const sum = (counts: Iterable<Count>): Count => [...counts].reduce(plus, NOTHING);

export interface Added {
  readonly rule: TraceRule;
  readonly missing: readonly number[];
}

/** The rules for packet traces of all workers: each rule has one number everywhere, and a worker that is new gets them. */
export class TraceRules {
  private readonly crew: Crew;
  private readonly clock: Clock;
  private readonly rules = new Map<string, Rule>();
  private nextNumber = 1;
  /** What each worker last said of all its packets, and the same of those that are gone. */
  private readonly totals = new Map<number, Count>();
  private past = NOTHING;
  private looking = false;

  constructor(crew: Crew, clock: Clock) {
    this.crew = crew;
    this.clock = clock;
    crew.links.onStarted(({ index }) => this.teach(index));
    crew.links.onEnded(({ index }) => this.bury(index));
  }

  /** A rule of the configuration, for workers that start. */
  configure(ratio: number): void {
    const id = String(this.nextNumber);
    this.nextNumber += 1;
    this.rules.set(id, { id, wish: { ratio }, by: LOOKER, until: undefined, counts: new Map(), past: NOTHING });
  }

  /** In all workers that can; a rule about one tunnel is in the one that has it. */
  async add({ seconds, ...wish }: TraceRequest, by: string): Promise<Added | AdminError> {
    const id = String(this.nextNumber);
    this.nextNumber += 1;
    const until = seconds === undefined ? undefined : after(this.clock.now(), seconds * 1000);
    const rule: Rule = { id, wish, by, until, counts: new Map(), past: NOTHING };
    this.rules.set(id, rule);
    const most = wish.packets;
    const answers = await this.crew.all(this.order(rule, most));
    const refused = answers.replies.filter((reply) => !isGood(reply));
    const good = answers.replies.filter(isGood);
    // Only one has the tunnel. For any other reason a rule is in force everywhere or nowhere.
    const isRefused = refused.some((reply) => codeOf(reply) !== 'NO_TUNNEL');
    if (good.length === 0 || isRefused) {
      this.rules.delete(id);
      if (good.length > 0) await this.crew.all({ method: 'DELETE', path: `${PATH}/${id}`, actor: by });
      return refusalOf({ ...answers, replies: refused });
    }
    for (const { worker } of good) if (!rule.counts.has(worker)) rule.counts.set(worker, { ...NOTHING, most });
    this.look();
    return { rule: this.view(rule), missing: answers.missing };
  }

  /** Undefined: there is no such rule. Else the workers that did not answer. */
  async remove(id: string, by: string): Promise<readonly number[] | undefined> {
    if (!this.rules.delete(id)) return undefined;
    const { missing } = await this.crew.all({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(id)}`, actor: by });
    return missing;
  }

  /** Asks all workers what they have traced. */
  async refresh(actor: string): Promise<CrewReplies> {
    const answers = await this.crew.all({ method: 'GET', path: PATH, actor });
    for (const reply of answers.replies) {
      if (isGood(reply)) this.hear(reply.worker, partOf<TraceState>(reply).body);
    }
    this.dropEnded();
    return answers;
  }

  state(): TraceState {
    this.dropEnded();
    return {
      rules: [...this.rules.values()].map((rule) => this.view(rule)),
      ...plus(this.past, sum(this.totals.values())),
    };
  }

  private order({ id, wish, by, until }: Rule, packets: number | undefined): WorkerRequest {
    const seconds = until === undefined ? {} : { seconds: Math.max(1, Math.ceil((until - this.clock.now()) / 1000)) };
    const body: TraceRequest = { ...wish, ...seconds, ...(packets === undefined ? {} : { packets }) };
    return { method: 'POST', path: PATH, body, actor: by, headers: { [RULE_NUMBER_HEADER]: id } };
  }

  private view(rule: Rule): TraceRule {
    const { id, wish, until } = rule;
    const left = until === undefined ? {} : { secondsLeft: Math.max(0, Math.ceil((until - this.clock.now()) / 1000)) };
    return { id, ...wish, ...this.countOf(rule), ...left };
  }

  private countOf({ counts, past }: Rule): Count {
    return plus(past, sum(counts.values()));
  }

  private hear(worker: number, { rules, traced, suppressed }: TraceState): void {
    this.totals.set(worker, { traced, suppressed });
    for (const rule of this.rules.values()) {
      const before = rule.counts.get(worker);
      if (before === undefined) continue;
      const found = rules.find(({ id }) => id === rule.id);
      if (found !== undefined) {
        rule.counts.set(worker, { ...before, traced: found.traced, suppressed: found.suppressed });
      } else if (before.most !== undefined) {
        // The worker has traced as many as were asked for, and forgotten the rule.
        rule.counts.set(worker, { ...before, traced: before.most });
      }
    }
  }

  private dropEnded(): void {
    const now = this.clock.now();
    for (const rule of [...this.rules.values()]) {
      const { packets } = rule.wish;
      const isOver = rule.until !== undefined && now >= rule.until;
      const isUsedUp = packets !== undefined && this.countOf(rule).traced >= packets;
      if (isOver) this.rules.delete(rule.id);
      else if (isUsedUp) void this.remove(rule.id, LOOKER);
    }
  }

  /** Ends rules for a number of packets when all workers together have traced as many. */
  private look(): void {
    const counted = [...this.rules.values()].some(({ wish }) => wish.packets !== undefined);
    if (this.looking || !counted) return;
    this.looking = true;
    this.clock.schedule(after(this.clock.now(), LOOK_MS), () => {
      void this.refresh(LOOKER).finally(() => {
        this.looking = false;
        this.look();
      });
    });
  }

  /** A worker has begun its life: it gets what is in force. */
  private async teach(worker: number): Promise<void> {
    for (const rule of this.rules.values()) {
      if (rule.wish.tunnel !== undefined) continue;
      const { packets } = rule.wish;
      const most = packets === undefined ? undefined : Math.max(1, packets - this.countOf(rule).traced);
      const reply = await this.crew.one(worker, this.order(rule, most));
      if (reply === undefined || !isGood(reply)) throw new Error('it did not take the rules for packet traces');
      rule.counts.set(worker, { ...NOTHING, most });
    }
  }

  private bury(worker: number): void {
    this.past = plus(this.past, this.totals.get(worker) ?? NOTHING);
    this.totals.delete(worker);
    for (const rule of this.rules.values()) {
      rule.past = plus(rule.past, rule.counts.get(worker) ?? NOTHING);
      rule.counts.delete(worker);
    }
  }
}
