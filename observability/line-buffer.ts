export interface LineSink {
  write(line: string): void;
}

/** Lines of a turn of the event loop that are written one by one; from then on they are joined until the turn ends. */
const SINGLY = 4;
/** Octets of one write: what a pipe takes without mixing it with the lines of another process (PIPE_BUF). */
const MOST_TOGETHER = 4096;
/** Octets that wait; a turn that says more writes in the middle of it. */
const MOST_WAITING = 65_536;

const buffers = new Set<LineBuffer>();

/** Writes every line that waits. Before anything goes to the same place another way, and before an end without a turn. */
export const flushLines = (): void => {
  for (const buffer of buffers) buffer.flush();
};

/**
 * Joins the lines of a turn of the event loop that has many, as when hundreds of calls come at once: one system call for
 * each is a quarter of the time of a set-up. All are out at the end of the turn, and when the process exits for whatever
 * reason that lets JavaScript know: its end, `process.exit`, an exception that nobody caught. A signal that kills costs at
 * most the lines of the turn it falls into.
 */
export class LineBuffer implements LineSink {
  readonly #out: LineSink;
  readonly #endOfTurn: (task: () => void) => void;
  #waiting: string[] = [];
  #octets = 0;
  #lines = 0;
  #scheduled = false;

  constructor(out: LineSink, endOfTurn: (task: () => void) => void = setImmediate) {
    this.#out = out;
    this.#endOfTurn = endOfTurn;
    if (buffers.size === 0) process.once('exit', flushLines);
    buffers.add(this);
  }

  write(line: string): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#endOfTurn(() => this.#turnEnds());
    }
    this.#lines += 1;
    if (this.#lines <= SINGLY) {
      this.#out.write(line);
      return;
    }
    this.#waiting.push(line);
    this.#octets += Buffer.byteLength(line);
    if (this.#octets > MOST_WAITING) this.flush();
  }

  flush(): void {
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    this.#octets = 0;
    let together = '';
    let octets = 0;
    for (const line of lines) {
      const length = Buffer.byteLength(line);
      if (octets > 0 && octets + length > MOST_TOGETHER) {
        this.#out.write(together);
        together = '';
        octets = 0;
      }
      together += line;
      octets += length;
    }
    this.#out.write(together);
  }

  #turnEnds(): void {
    this.#scheduled = false;
    this.#lines = 0;
    this.flush();
  }
}
