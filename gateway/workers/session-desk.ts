import type { FoundSession, SessionQuery } from '../../core/ports/session-directory.ts';
import { GONE } from '../session/local-sessions.ts';
import { workerOfSession } from '../session/session-ids.ts';
import { AskError, type WorkerLink, type WorkerLinks } from './ask.ts';
import { CHANGE_SESSION, DISCONNECT_SESSION, FIND_SESSIONS, type FleetMessage, TELL_FLEET } from './session-asks.ts';
import { DISCONNECT_MS } from './shared-sessions.ts';

/** In the supervisor: passes on what one worker asks about sessions of the others, and tells them. */
export class SessionDesk {
  private readonly links: WorkerLinks;

  constructor(links: WorkerLinks) {
    this.links = links;
  }

  /** Answers the workers. */
  attach(): void {
    const { links } = this;
    links.answer(FIND_SESSIONS, (query, from) => this.find(query, from));
    links.answer(DISCONNECT_SESSION, (order) =>
      this.of(order.id, false, (worker) => worker.request(DISCONNECT_SESSION, order, DISCONNECT_MS)),
    );
    links.answer(CHANGE_SESSION, (order) => this.of(order.id, GONE, (worker) => worker.request(CHANGE_SESSION, order)));
    links.answer(TELL_FLEET, (message, from) => this.tell(message, from));
  }

  private async find(query: SessionQuery, from: number): Promise<readonly FoundSession[]> {
    const one = query.id === undefined ? undefined : workerOfSession(query.id);
    const asked = this.links.workers.filter(({ index }) => (one === undefined ? index !== from : index === one));
    const found = await Promise.all(
      asked.map((worker) => whereAlive(worker, [], () => worker.request(FIND_SESSIONS, query))),
    );
    return found.flat();
  }

  private of<T>(id: string, gone: T, ask: (worker: WorkerLink) => Promise<T>): Promise<T> {
    const index = workerOfSession(id);
    const worker = this.links.workers.find((one) => one.index === index);
    return worker === undefined ? Promise.resolve(gone) : whereAlive(worker, gone, () => ask(worker));
  }

  /** What one of them does not take is lost for that one only. */
  private async tell(message: FleetMessage, from: number): Promise<undefined> {
    const others = this.links.workers.filter(({ index, alive }) => alive && index !== from);
    await Promise.allSettled(others.map((worker) => worker.request(TELL_FLEET, message)));
    return undefined;
  }
}

/** The sessions of a process that has ended are gone. */
async function whereAlive<T>(worker: WorkerLink, gone: T, ask: () => Promise<T>): Promise<T> {
  if (!worker.alive) return gone;
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof AskError && cause.code === 'GONE') return gone;
    throw cause;
  }
}
