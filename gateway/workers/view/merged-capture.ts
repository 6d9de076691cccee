import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import { after, type Instant } from '../../../core/time.ts';
import { BlockWriter } from '../../../observability/capture/block-writer.ts';
import {
  type CaptureEnd,
  type CaptureOrder,
  type CaptureSummary,
  describeDrops,
  type PointSummary,
  writeHead,
} from '../../../observability/capture/capture.ts';
import { interfaceStatistics } from '../../../observability/capture/pcapng.ts';
import { CAPTURE_ID_HEADER, CAPTURE_SUMMARY_TRAILER, type CaptureRequest } from '../../admin/routes/capture.ts';
import type { WorkerRequest } from './ask-worker.ts';
import type { Crew } from './crew.ts';
import { BlockSplitter, interfaceOf, PACKET_BLOCK, renumber } from './pcapng-blocks.ts';
import { isGood, partOf } from './view-route.ts';

export interface MergedCaptureParts {
  readonly id: string;
  readonly order: CaptureOrder;
  readonly version: string;
  readonly crew: Crew;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once, when the reader has the whole file or has gone. */
  readonly closed: (capture: MergedCapture) => void;
}

/** A capture of all workers as one. */
export interface MergedSummary extends CaptureSummary {
  /** Workers that died while they captured: what they had not sent is not in the file. */
  readonly lostWorkers?: readonly number[];
}

/** A worker's capture, from its beginning to its end. */
interface Feed {
  readonly worker: number;
  readonly id: string;
  readonly response: IncomingMessage;
  state: 'runs' | 'ended' | 'lost';
  summary: CaptureSummary | undefined;
}

const CHUNK = 64 * 1024;
const SECOND_MS = 1000;
/** How long workers and the reader may take over what is on its way when the capture has ended. */
const PATIENCE_MS = 30_000;

/**
 * One capture of a gateway with several processes: the packets that the captures of the workers bring, in the order in which
 * they come, in one pcapng file. A worker that dies is missed and not the end; one that starts anew joins in.
 */
export class MergedCapture {
  readonly id: string;
  readonly stream: Readable;
  readonly order: CaptureOrder;
  private readonly parts: MergedCaptureParts;
  private readonly feeds: Feed[] = [];
  /** Workers that take part, or have been asked to. */
  private readonly asked = new Set<number>();
  private readonly abort = new AbortController();
  private readonly out = new BlockWriter(CHUNK);
  private readonly written: number[];
  private readonly began: Instant;
  private endedAt: Instant | undefined;
  private reason: CaptureEnd | undefined;
  private finished = false;
  private cancelTimer: () => void = () => undefined;

  constructor(parts: MergedCaptureParts) {
    const { id, order, version, clock } = parts;
    this.id = id;
    this.order = order;
    this.parts = parts;
    this.began = clock.now();
    this.written = order.points.map(() => 0);
    this.stream = new Readable({
      highWaterMark: CHUNK,
      read: () => {
        for (const { response } of this.feeds) response.resume();
      },
      destroy: (cause, done) => {
        this.close();
        done(cause);
      },
    });
    writeHead(this.out, order, version);
    this.stream.push(this.out.take());
    if (order.seconds !== undefined) {
      this.cancelTimer = clock.schedule(after(this.began, order.seconds * SECOND_MS), () => this.end('seconds'));
    }
  }

  get isRunning(): boolean {
    return this.reason === undefined;
  }

  get summary(): MergedSummary {
    const { order, clock } = this.parts;
    const lostWorkers = this.feeds.filter(({ state }) => state === 'lost').map(({ worker }) => worker);
    return {
      id: this.id,
      who: order.who,
      decrypted: order.decrypted,
      filter: order.filter,
      end: this.reason,
      seconds: ((this.endedAt ?? clock.now()) - this.began) / SECOND_MS,
      points: order.points.map((_, position) => this.point(position)),
      ...(lostWorkers.length === 0 ? {} : { lostWorkers }),
    };
  }

  /** Whether this worker is to be asked: not twice in one life. */
  claim(worker: number): boolean {
    if (this.asked.has(worker)) return false;
    this.asked.add(worker);
    return true;
  }

  /** The worker takes no part, or no longer. */
  release(worker: number): void {
    this.asked.delete(worker);
  }

  /** What a worker is asked for that begins now. */
  request(): WorkerRequest {
    const { points, decrypted, filter, packets, seconds, who } = this.order;
    const left = seconds === undefined ? undefined : seconds - (this.parts.clock.now() - this.began) / SECOND_MS;
    const body: CaptureRequest = {
      points,
      decrypted,
      ...(filter.kind === 'tunnel' ? { tunnel: filter.id } : {}),
      ...(filter.kind === 'user' ? { user: filter.name } : {}),
      ...(packets === undefined ? {} : { packets: Math.max(1, packets - this.total()) }),
      ...(left === undefined ? {} : { seconds: Math.max(1, Math.ceil(left)) }),
    };
    return { method: 'POST', path: '/v1/captures', body, actor: who };
  }

  /** The signal that cuts what workers send. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Takes over the answer of a worker that has begun. */
  add(worker: number, response: IncomingMessage): void {
    const id = String(response.headers[CAPTURE_ID_HEADER]);
    const feed: Feed = { worker, id, response, state: 'runs', summary: undefined };
    this.feeds.push(feed);
    const splitter = new BlockSplitter();
    response.on('data', (chunk: Buffer) => {
      try {
        this.take(feed, splitter, chunk);
      } catch {
        response.destroy();
      }
    });
    response.on('end', () => this.feedEnded(feed, response.trailers[CAPTURE_SUMMARY_TRAILER]));
    response.on('error', () => this.feedLost(feed));
    response.on('close', () => this.feedLost(feed));
    if (!this.isRunning) void this.endFeed(feed);
  }

  /** Takes no more packets; what workers still have on the way is written. Later ends change nothing. */
  end(reason: CaptureEnd): Promise<void> {
    if (this.reason !== undefined) return Promise.resolve();
    const { clock } = this.parts;
    this.reason = reason;
    this.endedAt = clock.now();
    this.cancelTimer();
    if (reason === 'reader-gone') return Promise.resolve();
    this.cancelTimer = clock.schedule(after(this.endedAt, PATIENCE_MS), () => this.stream.destroy());
    const ended = Promise.all(this.feeds.map((feed) => this.endFeed(feed)));
    this.finishIfDone();
    return ended.then(() => undefined);
  }

  /** Asks workers how their captures go. */
  async refresh(): Promise<void> {
    await Promise.all(
      this.feeds.map(async (feed) => {
        if (feed.state !== 'runs') return;
        const path = `/v1/captures/${feed.id}`;
        const reply = await this.parts.crew.one(feed.worker, { method: 'GET', path, actor: this.order.who });
        if (feed.state === 'runs' && reply !== undefined && isGood(reply)) {
          feed.summary = partOf<CaptureSummary>(reply).body;
        }
      }),
    );
  }

  private async endFeed(feed: Feed): Promise<void> {
    if (feed.state !== 'runs') return;
    const path = `/v1/captures/${feed.id}`;
    const reply = await this.parts.crew.one(feed.worker, { method: 'DELETE', path, actor: this.order.who });
    if (reply === undefined) feed.response.destroy();
  }

  private take(feed: Feed, splitter: BlockSplitter, chunk: Buffer): void {
    const { order, crew } = this.parts;
    const blocks: Buffer[] = [];
    for (const block of splitter.push(chunk)) {
      // Head and tail are written once for all.
      if (block.type !== PACKET_BLOCK || this.total() >= (order.packets ?? Number.POSITIVE_INFINITY)) continue;
      const position = interfaceOf(block);
      this.written[position] = (this.written[position] ?? 0) + 1;
      renumber(block, feed.worker, crew.links.workers.length);
      blocks.push(block.bytes);
    }
    if (blocks.length > 0 && !this.finished && !this.stream.push(Buffer.concat(blocks))) {
      for (const { response } of this.feeds) response.pause();
    }
    if (order.packets !== undefined && this.total() >= order.packets) void this.end('packets');
  }

  private feedEnded(feed: Feed, trailer: string | undefined): void {
    if (feed.state !== 'runs' || trailer === undefined) return;
    feed.state = 'ended';
    feed.summary = JSON.parse(decodeURIComponent(trailer)) as CaptureSummary;
    const { end } = feed.summary;
    if (end === 'packets' || end === 'seconds' || end === 'tunnel-ended') void this.end(end);
    this.finishIfDone();
  }

  /** The worker died, or its capture broke off. */
  private feedLost(feed: Feed): void {
    if (feed.state !== 'runs') return;
    feed.state = 'lost';
    this.release(feed.worker);
    const { log, order } = this.parts;
    if (this.reason !== 'reader-gone') {
      const message = 'a worker is gone; what it had captured and not sent yet is not in the file';
      log.warn('capture.worker-lost', message, { capture: this.id, worker: feed.worker });
    }
    if (order.filter.kind === 'tunnel') void this.end('tunnel-ended');
    this.finishIfDone();
  }

  private finishIfDone(): void {
    if (this.finished || this.feeds.some(({ state }) => state === 'runs')) return;
    // Every worker has stopped in order, and nobody has asked this capture to end: the gateway stops.
    if (this.reason === undefined && this.feeds.some(({ summary }) => summary?.end === 'shutdown')) {
      void this.end('shutdown');
      return;
    }
    if (this.reason === undefined) return;
    this.finished = true;
    this.stream.push(this.tail());
    this.stream.push(null);
  }

  private close(): void {
    void this.end('reader-gone');
    this.finished = true;
    this.cancelTimer();
    this.abort.abort();
    this.parts.closed(this);
  }

  private total(): number {
    return this.written.reduce((sum, count) => sum + count, 0);
  }

  private point(position: number): PointSummary {
    const point = this.order.points[position] ?? 'gre';
    const written = this.written[position] ?? 0;
    const drops: Record<string, number> = {};
    let lost = 0;
    for (const { summary } of this.feeds) {
      const own = summary?.points[position];
      lost += own?.lost ?? 0;
      for (const [what, count] of Object.entries(own?.drops ?? {})) drops[what] = (drops[what] ?? 0) + count;
    }
    return { point, seen: written + lost, lost, written, drops };
  }

  private tail(): Uint8Array {
    const { clock } = this.parts;
    const microseconds = (at: Instant): number => Math.round((Date.now() + (at - clock.now())) * 1000);
    const lost = this.feeds.filter(({ state }) => state === 'lost').map(({ worker }) => `worker ${worker} died`);
    this.order.points.forEach((_, position) => {
      const { seen, lost: unread, written, drops } = this.point(position);
      const counts = new Map(Object.entries(drops));
      const remarks = [...lost, ...(counts.size === 0 ? [] : [`dropped by the gateway: ${describeDrops(counts)}`])];
      interfaceStatistics(this.out, {
        interface: position,
        time: microseconds(clock.now()),
        began: microseconds(this.began),
        ended: microseconds(this.endedAt ?? this.began),
        seen,
        lost: unread,
        written,
        comment: remarks.length === 0 ? undefined : remarks.join('; '),
      });
    });
    return this.out.take();
  }
}
