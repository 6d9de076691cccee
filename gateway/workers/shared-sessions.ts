import type { Fleet } from '../../core/ports/fleet.ts';
import type { SessionId } from '../../core/ports/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import type { ProfileChange } from '../../core/ports/profile.ts';
import type { ChangeAnswer, FoundSession, SessionDirectory, SessionQuery } from '../../core/ports/session-directory.ts';
import type { SessionEnding } from '../../core/ports/session-facts.ts';
import { GONE } from '../session/local-sessions.ts';
import { workerOfSession } from '../session/session-ids.ts';
import type { SupervisorLink } from './ask.ts';
import { CHANGE_SESSION, DISCONNECT_SESSION, FIND_SESSIONS, TELL_FLEET } from './session-asks.ts';
import type { Shard } from './shard.ts';

/** A link may take its time to end in order; the supervisor asks the worker meanwhile. */
export const DISCONNECT_MS = 60_000;
/** What the supervisor may take on top of what the worker does. */
const ON_THE_WAY_MS = 5_000;

/**
 * In a worker: the sessions of the whole gateway. A session's id names its worker, so that only `find` without an id asks
 * them all. A process that has ended has no sessions; one that does not answer makes the question fail.
 */
export class SharedSessions implements SessionDirectory {
  private readonly own: SessionDirectory;
  private readonly supervisor: SupervisorLink;
  private readonly index: number;

  constructor(own: SessionDirectory, supervisor: SupervisorLink, { index }: Shard) {
    this.own = own;
    this.supervisor = supervisor;
    this.index = index;
    supervisor.answer(FIND_SESSIONS, (query) => own.find(query));
    supervisor.answer(DISCONNECT_SESSION, ({ id, ending }) => own.disconnect(id, ending));
    supervisor.answer(CHANGE_SESSION, ({ id, change }) => own.change(id, change));
  }

  async find(query: SessionQuery): Promise<readonly FoundSession[]> {
    const { id } = query;
    if (id !== undefined && this.isOurs(id)) return this.own.find(query);
    if (id !== undefined && workerOfSession(id) === undefined) return [];
    const [ours, others] = await Promise.all([
      id === undefined ? this.own.find(query) : [],
      this.supervisor.request(FIND_SESSIONS, query, 2 * ON_THE_WAY_MS),
    ]);
    return [...ours, ...others];
  }

  disconnect(id: SessionId, ending: SessionEnding): Promise<boolean> {
    if (this.isOurs(id)) return this.own.disconnect(id, ending);
    if (workerOfSession(id) === undefined) return Promise.resolve(false);
    return this.supervisor.request(DISCONNECT_SESSION, { id, ending }, DISCONNECT_MS + ON_THE_WAY_MS);
  }

  change(id: SessionId, change: ProfileChange): Promise<ChangeAnswer> {
    if (this.isOurs(id)) return this.own.change(id, change);
    if (workerOfSession(id) === undefined) return Promise.resolve(GONE);
    return this.supervisor.request(CHANGE_SESSION, { id, change }, 2 * ON_THE_WAY_MS);
  }

  private isOurs(id: SessionId): boolean {
    return workerOfSession(id) === this.index;
  }
}

/** In a worker: the others, by way of the supervisor. */
export class WorkerFleet implements Fleet {
  readonly index: number;
  readonly count: number;
  readonly restarted: boolean;
  private readonly supervisor: SupervisorLink;
  private readonly log: Log;
  private readonly listeners = new Map<string, ((message: unknown) => void)[]>();

  constructor({ index, count }: Shard, restarted: boolean, supervisor: SupervisorLink, log: Log) {
    this.index = index;
    this.count = count;
    this.restarted = restarted;
    this.supervisor = supervisor;
    this.log = log;
    supervisor.answer(TELL_FLEET, ({ topic, message }) => {
      for (const listener of this.listeners.get(topic) ?? []) this.tell(topic, listener, message);
      return undefined;
    });
  }

  publish(topic: string, message: unknown): void {
    this.supervisor.request(TELL_FLEET, { topic, message }).catch((cause: unknown) => this.failed(topic, cause));
  }

  subscribe(topic: string, listener: (message: unknown) => void): void {
    this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
  }

  private tell(topic: string, listener: (message: unknown) => void, message: unknown): void {
    try {
      listener(message);
    } catch (cause) {
      this.failed(topic, cause);
    }
  }

  private failed(topic: string, cause: unknown): void {
    const error = cause instanceof Error ? cause.message : String(cause);
    this.log.warn('fleet.untold', 'A message between workers did not reach all of them.', { topic, error });
  }
}
