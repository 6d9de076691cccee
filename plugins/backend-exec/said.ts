import { printable } from '../../core/bytes/ascii.ts';
import type { Log } from '../../core/ports/log.ts';
import { Lines } from './lines.ts';

const LINE_OCTETS = 1024;
const LINES = 20;
const WINDOW_MS = 10_000;

/** What programs write to standard error, into the log: so many lines in ten seconds, printable, and cut. */
export class Said {
  private readonly log: Log;
  private readonly now: () => number;
  private since = Number.NEGATIVE_INFINITY;
  private count = 0;
  private lost = 0;

  constructor(log: Log, now: () => number) {
    this.log = log;
    this.now = now;
  }

  /** What takes the octets of one process. */
  of(pid: number | undefined): (octets: Uint8Array) => void {
    const lines = new Lines(LINE_OCTETS);
    return (octets) => {
      for (const line of lines.push(octets)) this.line(pid, line ?? '(a line that is too long)');
    };
  }

  private line(pid: number | undefined, text: string): void {
    const now = this.now();
    if (now - this.since >= WINDOW_MS) {
      this.since = now;
      this.count = 0;
    }
    this.count += 1;
    if (this.count > LINES) {
      this.lost += 1;
      return;
    }
    const lost = this.lost === 0 ? {} : { lost: this.lost };
    this.lost = 0;
    this.log.warn('exec.said', printable(text), { pid, ...lost });
  }
}
