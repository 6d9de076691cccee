import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { CaptureOrder } from '../../../observability/capture/capture.ts';
import type { AdminError } from '../../admin/route.ts';
import type { WorkerReply } from './crew.ts';
import { MergedCapture, type MergedSummary } from './merged-capture.ts';
import { codeOf, refusalOf, type ViewDeps } from './view-route.ts';

/** Captures that have ended and can still be asked about. */
const REMEMBERED = 16;

interface Begun {
  readonly worker: number;
  readonly response: IncomingMessage;
}

export interface Started {
  readonly capture: MergedCapture;
  readonly missing: readonly number[];
}

/** The captures of a gateway with several processes. */
export class MergedCaptures {
  private readonly deps: ViewDeps;
  private readonly running = new Map<string, MergedCapture>();
  private readonly past: MergedSummary[] = [];
  private started = 0;

  constructor(deps: ViewDeps) {
    this.deps = deps;
    deps.crew.links.onStarted(({ index }) => this.join(index));
  }

  /** Workers refuse what is not allowed, each by the same rules. */
  async start(order: CaptureOrder): Promise<Started | AdminError> {
    const { crew, clock, log, version } = this.deps;
    this.started += 1;
    const id = String(this.started);
    const capture = new MergedCapture({ id, order, version, crew, clock, log, closed: (one) => this.forget(one) });
    this.running.set(id, capture);
    const workers = crew.alive.map(({ index }) => index).filter((index) => capture.claim(index));
    const answers = await Promise.all(workers.map((worker) => this.begin(capture, worker)));
    const begun: Begun[] = [];
    const refused: WorkerReply[] = [];
    for (const answer of answers) {
      if (answer !== undefined) 'response' in answer ? begun.push(answer) : refused.push(answer);
    }
    const all = crew.links.workers.map(({ index }) => index);
    const missing = all.filter((index) => ![...begun, ...refused].some(({ worker }) => worker === index));
    // Only one worker has the tunnel. What else one refuses holds for all.
    if (begun.length === 0 || refused.some((reply) => codeOf(reply) !== 'NO_TUNNEL')) {
      this.running.delete(id);
      capture.stream.destroy();
      return refusalOf({ replies: refused, missing });
    }
    for (const { worker, response } of begun) capture.add(worker, response);
    return { capture, missing };
  }

  /** Ends one as its owner wishes, if it runs. */
  async end(id: string): Promise<void> {
    await this.running.get(id)?.end('asked');
  }

  /** A capture that runs or has ended not long ago. */
  async find(id: string): Promise<MergedSummary | undefined> {
    await this.running.get(id)?.refresh();
    return this.known().find((summary) => summary.id === id);
  }

  async list(): Promise<readonly MergedSummary[]> {
    await Promise.all([...this.running.values()].map((capture) => capture.refresh()));
    return this.known();
  }

  /** The gateway stops: every capture ends, and its reader gets the rest. */
  stop(): void {
    for (const capture of this.running.values()) void capture.end('shutdown');
  }

  private known(): readonly MergedSummary[] {
    return [...this.past, ...[...this.running.values()].map(({ summary }) => summary)];
  }

  /** Undefined: no answer. */
  private async begin(capture: MergedCapture, worker: number): Promise<Begun | WorkerReply | undefined> {
    try {
      const response = await this.deps.crew.open(worker, capture.request(), capture.signal);
      const status = response.statusCode ?? 0;
      if (status < 400) return { worker, response };
      capture.release(worker);
      return { worker, status, body: JSON.parse(await text(response)) };
    } catch {
      capture.release(worker);
      return undefined;
    }
  }

  /** A worker that begins its life takes part in what runs. One that cannot is missed in it. */
  private async join(worker: number): Promise<void> {
    for (const capture of this.running.values()) {
      // A tunnel is never there again.
      if (!capture.isRunning || capture.order.filter.kind === 'tunnel' || !capture.claim(worker)) continue;
      const answer = await this.begin(capture, worker);
      if (answer !== undefined && 'response' in answer) capture.add(worker, answer.response);
      else
        this.deps.log.warn('capture.not-joined', 'a worker takes no part in a capture', {
          capture: capture.id,
          worker,
        });
    }
  }

  private forget({ id, summary }: MergedCapture): void {
    // One that was refused is none.
    if (!this.running.delete(id)) return;
    this.past.push(summary);
    if (this.past.length > REMEMBERED) this.past.shift();
  }
}
