import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../core/ports/clock.ts';
import { after, type Instant } from '../../../core/time.ts';
import type { LostEvents } from '../api/events.ts';
import type { SessionsQuery } from '../api/sessions.ts';
import type { KeptEvent } from './event-ring.ts';
import type { LiveSource, LookWish } from './live-source.ts';
import { StreamPlaces } from './stream-places.ts';

/** Different lists of sessions that are looked at in one tick; with more, each has its turn. */
const QUERIES_A_TICK = 8;
const TICK_MS = 1000;
/** Silence that readers and what is between may take for the end. */
const HEARTBEAT_MS = 5_000;
/** Who takes nothing for so long is given up. */
const STUCK_MS = 60_000;
/** Events that may wait in one connection, in octets. */
const MOST_WAITING = 64 * 1024;
const RETRY_MS = 2_000;

/** What a stream is of. */
type Topic =
  | { readonly kind: 'sessions'; readonly key: string; readonly query: SessionsQuery }
  | { readonly kind: 'stats' }
  | { readonly kind: 'events' };

/** One reader. What does not fit into its connection is lost, so that a slow one costs no memory. */
class Reader {
  readonly topic: Topic;
  private readonly response: ServerResponse;
  private readonly clock: Clock;
  /** Events from now on are for it: those before it has read from the ring. */
  begun = false;
  private saidAt: Instant;
  private takenAt: Instant;
  private lost = 0;

  constructor(topic: Topic, response: ServerResponse, clock: Clock) {
    this.topic = topic;
    this.response = response;
    this.clock = clock;
    this.saidAt = clock.now();
    this.takenAt = this.saidAt;
  }

  begin(): void {
    this.begun = true;
    this.write(': ready\n\n');
  }

  /** The next one says it again: nothing is sent while the one before waits. */
  snapshot(event: string, data: string): void {
    if (this.response.writableLength === 0) this.write(`event: ${event}\ndata: ${data}\n\n`);
  }

  event({ id, event: { event, data } }: KeptEvent): void {
    if (this.response.writableLength > MOST_WAITING) {
      this.lost += 1;
      return;
    }
    if (this.lost > 0) {
      this.write(`event: lost\ndata: ${JSON.stringify({ events: this.lost } satisfies LostEvents)}\n\n`);
      this.lost = 0;
    }
    this.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Keeps the connection, or gives it up. */
  tend(): void {
    const now = this.clock.now();
    if (this.response.writableLength === 0) {
      this.takenAt = now;
      if (now - this.saidAt >= HEARTBEAT_MS) this.write(':\n\n');
    } else if (now - this.takenAt >= STUCK_MS) this.response.destroy();
  }

  end(): void {
    this.response.end();
  }

  private write(text: string): void {
    if (this.response.writableEnded || this.response.destroyed) return;
    this.saidAt = this.clock.now();
    this.response.write(text);
  }
}

/**
 * Server-sent events: one ticker for all readers, which runs while there are any. Each tick looks once at what all of them
 * want together.
 */
export class LiveStreams {
  private readonly source: LiveSource;
  private readonly clock: Clock;
  private readonly readers = new Set<Reader>();
  private readonly places = new StreamPlaces();
  private ticker: { cancel(): void } | undefined;
  private turn = 0;

  constructor(source: LiveSource, clock: Clock) {
    this.source = source;
    this.clock = clock;
    source.ring.listen((kept) => {
      for (const reader of this.readers) if (reader.begun) reader.event(kept);
    });
  }

  get size(): number {
    return this.readers.size;
  }

  sessions(request: FastifyRequest, reply: FastifyReply, query: SessionsQuery): Promise<void> {
    return this.open(request, reply, { kind: 'sessions', key: JSON.stringify(Object.entries(query).sort()), query });
  }

  stats(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.open(request, reply, { kind: 'stats' });
  }

  /** Begins behind the header Last-Event-ID, as far as events are still known. */
  events(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.open(request, reply, { kind: 'events' });
  }

  /** Ends all of them. */
  close(): void {
    this.rest();
    for (const reader of this.readers) reader.end();
    this.readers.clear();
  }

  private async open(request: FastifyRequest, reply: FastifyReply, topic: Topic): Promise<void> {
    const leave = this.places.take(request);
    void reply.hijack();
    const { raw } = reply;
    const reader = new Reader(topic, raw, this.clock);
    this.readers.add(reader);
    raw.on('close', () => {
      this.readers.delete(reader);
      leave();
      if (this.readers.size === 0) this.rest();
    });
    raw.on('error', () => raw.destroy());
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.write(`retry: ${RETRY_MS}\n\n`);
    this.arm();
    await this.begin(request, reader);
  }

  /** What the reader sees at once. */
  private async begin(request: FastifyRequest, reader: Reader): Promise<void> {
    await this.show([reader]);
    if (reader.topic.kind !== 'events') return;
    const last = Number(request.headers['last-event-id'] ?? Number.NaN);
    if (Number.isSafeInteger(last)) for (const kept of this.source.ring.since(last)) reader.event(kept);
    reader.begin();
  }

  /** The ticker runs until `rest`. */
  private arm(): void {
    if (this.ticker !== undefined) return;
    const ticker = { cancel: (): void => undefined };
    this.ticker = ticker;
    const next = (): void => {
      ticker.cancel = this.clock.schedule(after(this.clock.now(), TICK_MS), () => {
        void this.show([...this.readers]).then(() => {
          for (const reader of this.readers) reader.tend();
          if (this.ticker === ticker) next();
        });
      });
    };
    next();
  }

  private rest(): void {
    this.ticker?.cancel();
    this.ticker = undefined;
  }

  /** Never rejects: who does not get this one gets the next. */
  private async show(readers: readonly Reader[]): Promise<void> {
    const lists = new Map<string, { readonly query: SessionsQuery; readonly readers: Reader[] }>();
    const stats: Reader[] = [];
    let events = false;
    for (const reader of readers) {
      const { topic } = reader;
      if (topic.kind === 'stats') stats.push(reader);
      else if (topic.kind === 'events') events = true;
      else {
        const list = lists.get(topic.key);
        if (list === undefined) lists.set(topic.key, { query: topic.query, readers: [reader] });
        else list.readers.push(reader);
      }
    }
    const asked = this.turnOf([...lists.values()]);
    const wish: LookWish = { queries: asked.map(({ query }) => query), stats: stats.length > 0, events };
    try {
      const look = await this.source.look(wish);
      for (const [at, list] of asked.entries()) {
        const page = look.pages[at];
        if (page === undefined) continue;
        const data = JSON.stringify(page);
        for (const reader of list.readers) reader.snapshot('sessions', data);
      }
      if (look.stats === undefined) return;
      const data = JSON.stringify(look.stats);
      for (const reader of stats) reader.snapshot('stats', data);
    } catch {
      // No worker answers: readers see that nothing comes.
    }
  }

  private turnOf<T>(lists: readonly T[]): readonly T[] {
    if (lists.length <= QUERIES_A_TICK) return lists;
    const first = this.turn % lists.length;
    this.turn = first + QUERIES_A_TICK;
    return [...lists, ...lists].slice(first, first + QUERIES_A_TICK);
  }
}
