import { Readable } from 'node:stream';
import type { Probes } from '../../core/datapath/probe.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after, type Instant } from '../../core/time.ts';
import { BlockWriter } from './block-writer.ts';
import { CaptureProbe } from './capture-probe.ts';
import { CaptureQueue } from './capture-queue.ts';
import { enhancedPacket, interfaceDescription, interfaceStatistics, sectionHeader } from './pcapng.ts';
import { type CapturePoint, type Plan, POINT_INTERFACES } from './points.ts';

/** Which packets a capture takes. */
export type CaptureFilter =
  | { readonly kind: 'all' }
  | { readonly kind: 'tunnel'; readonly id: string }
  | { readonly kind: 'user'; readonly name: string };

export interface CaptureOrder {
  /** At least one, none twice. */
  readonly points: readonly CapturePoint[];
  /** Show what is encrypted on the wire, and authentication frames whole. */
  readonly decrypted: boolean;
  readonly filter: CaptureFilter;
  /** Ends after so many packets at all points together; undefined: never. */
  readonly packets?: number | undefined;
  readonly seconds?: number | undefined;
  /** Who asked, as the asker says. */
  readonly who: string;
}

export type CaptureEnd = 'packets' | 'seconds' | 'asked' | 'tunnel-ended' | 'reader-gone' | 'shutdown';

export interface PointSummary {
  readonly point: CapturePoint;
  readonly seen: number;
  /** Packets that a slow reader cost the capture. */
  readonly lost: number;
  readonly written: number;
  /** Packets that the gateway dropped behind the point, by "stage reason". */
  readonly drops: Readonly<Record<string, number>>;
}

export interface CaptureSummary {
  readonly id: string;
  readonly who: string;
  readonly decrypted: boolean;
  readonly filter: CaptureFilter;
  /** Undefined while it runs. */
  readonly end: CaptureEnd | undefined;
  readonly seconds: number;
  readonly points: readonly PointSummary[];
}

export interface CaptureParts {
  readonly id: string;
  readonly order: CaptureOrder;
  readonly plan: Plan;
  readonly clock: Clock;
  readonly probes: Pick<Probes, 'add'>;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Octets that may wait for the reader. */
  readonly room: number;
  /** Whether the tunnel of the filter is still there. */
  readonly stillThere: () => boolean;
  /** Called once, when no more packets are taken. */
  readonly ended: (capture: Capture) => void;
  /** Called once, when the reader has the whole file or has gone. */
  readonly closed: (capture: Capture) => void;
}

const CHUNK = 64 * 1024;
const SECOND_MS = 1000;
/** How often a capture of one tunnel looks whether the tunnel is still there. */
const LOOK_MS = 500;
/** How long a reader may take over what still waits when the capture has ended. */
const PATIENCE_MS = 30_000;

const describeFilter = (filter: CaptureFilter): string => {
  if (filter.kind === 'all') return 'every tunnel';
  return filter.kind === 'tunnel' ? `tunnel ${filter.id}` : `user ${filter.name}`;
};

/** Section header and interfaces, as every file of such a capture begins. */
export const writeHead = (
  out: BlockWriter,
  { who, filter, points, decrypted }: Pick<CaptureOrder, 'who' | 'filter' | 'points' | 'decrypted'>,
  version: string,
): void => {
  const kept = decrypted
    ? 'Whatever tunnels and authentication keep secret lies open in this file.'
    : 'Authentication frames are cut after their header.';
  sectionHeader(out, {
    application: `pptp-gateway ${version}`,
    os: process.platform,
    comment: `Captured by ${who}: ${describeFilter(filter)}. ${kept}`,
  });
  for (const name of points) interfaceDescription(out, { ...POINT_INTERFACES[name], name });
};

const wants = (filter: CaptureFilter): ((session: SessionView) => boolean) | undefined => {
  if (filter.kind === 'all') return undefined;
  if (filter.kind === 'tunnel') return ({ id }) => id === filter.id;
  return ({ identity }) => identity === filter.name;
};

/**
 * One running capture: from the probe through the bounded queue to `stream`, a pcapng file as octets. It ends after the
 * packets or seconds that were asked for, when told, with its tunnel, or with its reader.
 */
export class Capture {
  readonly id: string;
  readonly stream: Readable;
  private readonly parts: CaptureParts;
  private readonly queue: CaptureQueue;
  private readonly out = new BlockWriter(CHUNK);
  private readonly began: Instant;
  /** What turns the clock's milliseconds into those since 1970. */
  private readonly epoch: number;
  private readonly removeProbe: () => void;
  private cancelTimer: () => void = () => undefined;
  private reason: CaptureEnd | undefined;
  private endedAt: Instant | undefined;
  private scheduled = false;
  private wanted = false;
  private finished = false;

  constructor(parts: CaptureParts) {
    const { id, order, plan, clock, probes, room } = parts;
    this.id = id;
    this.parts = parts;
    this.began = clock.now();
    this.epoch = parts.wallClock() - this.began;
    this.queue = new CaptureQueue(order.points.length, room, order.packets ?? Number.POSITIVE_INFINITY);
    this.stream = new Readable({
      highWaterMark: CHUNK,
      read: () => {
        this.wanted = true;
        if (this.queue.length > 0 || this.reason !== undefined) this.schedule();
      },
      // Comes after the last octet was read, too.
      destroy: (cause, done) => {
        this.close();
        done(cause);
      },
    });
    this.stream.push(this.head());
    const probe = new CaptureProbe(
      {
        points: order.points,
        plan,
        wants: wants(order.filter),
        secrets: order.decrypted,
        now: () => clock.now(),
        wallClock: (at) => this.microseconds(at),
        filled: () => this.schedule(),
      },
      this.queue,
    );
    this.removeProbe = probes.add(probe);
    this.watch();
  }

  get summary(): CaptureSummary {
    const { id, order, clock } = this.parts;
    return {
      id,
      who: order.who,
      decrypted: order.decrypted,
      filter: order.filter,
      end: this.reason,
      seconds: ((this.endedAt ?? clock.now()) - this.began) / SECOND_MS,
      points: order.points.map((point, position) => {
        const { seen, lost, written, drops } = this.queue.points[position] ?? NO_NUMBERS;
        return { point, seen, lost, written, drops: Object.fromEntries(drops) };
      }),
    };
  }

  /** Takes no more packets; what waits is still written. Later ends change nothing. */
  end(reason: CaptureEnd): void {
    if (this.reason !== undefined) return;
    const { clock, ended } = this.parts;
    this.reason = reason;
    this.endedAt = clock.now();
    this.removeProbe();
    this.cancelTimer();
    if (reason !== 'reader-gone') {
      this.cancelTimer = clock.schedule(after(this.endedAt, PATIENCE_MS), () => this.stream.destroy());
      this.schedule();
    }
    ended(this);
  }

  private close(): void {
    this.end('reader-gone');
    this.cancelTimer();
    this.finished = true;
    this.parts.closed(this);
  }

  /** Time's up, or the tunnel has gone. */
  private watch(): void {
    const { order, clock, stillThere } = this.parts;
    const { seconds, filter } = order;
    const now = clock.now();
    const until = seconds === undefined ? undefined : after(this.began, seconds * SECOND_MS);
    if (until !== undefined && now >= until) {
      this.end('seconds');
    } else if (filter.kind === 'tunnel' && !stillThere()) {
      this.end('tunnel-ended');
    } else {
      const look = filter.kind === 'tunnel' ? after(now, LOOK_MS) : undefined;
      const next = look === undefined || (until !== undefined && until < look) ? until : look;
      if (next !== undefined) this.cancelTimer = clock.schedule(next, () => this.watch());
    }
  }

  /** Packets are written in a turn of their own: until then the data path adds remarks. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    if (this.queue.isComplete) this.end('packets');
    while (this.wanted && this.queue.length > 0) this.wanted = this.stream.push(this.chunk());
    if (this.reason === undefined || this.queue.length > 0 || this.finished) return;
    this.stream.push(this.tail());
    this.stream.push(null);
    this.finished = true;
  }

  private chunk(): Uint8Array {
    const { out } = this;
    for (const { point, remarks, ...packet } of this.queue.take(CHUNK)) {
      const comment = remarks.length === 0 ? undefined : remarks.join('; ');
      enhancedPacket(out, { ...packet, interface: point, comment });
    }
    return out.take();
  }

  private head(): Uint8Array {
    const { order, version } = this.parts;
    writeHead(this.out, order, version);
    return this.out.take();
  }

  private tail(): Uint8Array {
    const time = this.microseconds(this.parts.clock.now());
    this.queue.points.forEach(({ seen, lost, written, drops }, position) => {
      interfaceStatistics(this.out, {
        interface: position,
        time,
        began: this.microseconds(this.began),
        ended: this.microseconds(this.endedAt ?? this.began),
        seen,
        lost,
        written,
        comment: drops.size === 0 ? undefined : `dropped by the gateway: ${describeDrops(drops)}`,
      });
    });
    return this.out.take();
  }

  private microseconds(at: Instant): number {
    return Math.round((this.epoch + at) * 1000);
  }
}

const NO_NUMBERS = { seen: 0, lost: 0, written: 0, drops: new Map<string, number>() };

/** "gre-socket queue-full 3" for the remark of an interface. */
export const describeDrops = (drops: ReadonlyMap<string, number>): string =>
  [...drops].map(([what, count]) => `${what} ${count}`).join(', ');
