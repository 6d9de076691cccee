import type { IncomingMessage } from 'node:http';
import type { WorkerLink, WorkerLinks } from '../ask.ts';
import { askWorker, openWorker, type WorkerRequest } from './ask-worker.ts';

/** What one worker answered; `status` may be that of a refusal. */
export interface WorkerReply {
  readonly worker: number;
  readonly status: number;
  readonly body: unknown;
}

export interface CrewReplies {
  /** By index. */
  readonly replies: readonly WorkerReply[];
  /** Workers that are not there, or did not answer in time. */
  readonly missing: readonly number[];
}

/** Longer than any route takes; a worker that hangs must not hold up the answer of the others. */
const PATIENCE_MS = 2000;

/** The workers, asked by their own admin sockets. */
export class Crew {
  readonly links: WorkerLinks;
  private readonly socketOf: (index: number) => string;
  private readonly patienceMs: number;

  constructor(links: WorkerLinks, socketOf: (index: number) => string, patienceMs = PATIENCE_MS) {
    this.links = links;
    this.socketOf = socketOf;
    this.patienceMs = patienceMs;
  }

  get alive(): readonly WorkerLink[] {
    return this.links.workers.filter(({ alive }) => alive);
  }

  /** Undefined: no answer. */
  async one(worker: number, request: WorkerRequest, patienceMs = this.patienceMs): Promise<WorkerReply | undefined> {
    if (this.links.workers[worker]?.alive !== true) return undefined;
    try {
      return { worker, ...(await askWorker(this.socketOf(worker), request, patienceMs)) };
    } catch {
      return undefined;
    }
  }

  async all(request: WorkerRequest, patienceMs?: number): Promise<CrewReplies> {
    const indexes = this.links.workers.map(({ index }) => index);
    const answers = await Promise.all(indexes.map((index) => this.one(index, request, patienceMs)));
    return {
      replies: answers.filter((answer) => answer !== undefined),
      missing: indexes.filter((_, position) => answers[position] === undefined),
    };
  }

  /** An answer that goes on. Rejects when there is none; `signal` cuts it. */
  open(worker: number, request: WorkerRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return openWorker(this.socketOf(worker), request, this.patienceMs, signal);
  }
}
