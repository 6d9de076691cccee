import type { BytePipe, PipeReader } from '../../plugins/control-pptp/byte-pipe.ts';

class MemoryPipeEnd implements BytePipe {
  other: MemoryPipeEnd | undefined;
  /** The line is cut without a word: what is written goes nowhere. */
  silent = false;
  readonly written: Uint8Array[] = [];
  private readonly defer: (task: () => void) => void;
  private reader: PipeReader | undefined;
  private ended = false;
  private told = false;

  constructor(defer: (task: () => void) => void) {
    this.defer = defer;
  }

  read(reader: PipeReader): void {
    this.reader = reader;
  }

  write(bytes: Uint8Array): void {
    if (this.ended) return;
    this.written.push(bytes);
    if (this.silent) return;
    const { other } = this;
    this.defer(() => other?.arrive(bytes));
  }

  end(): void {
    this.finish('The peer closed the connection.');
  }

  abort(): void {
    this.finish('The peer broke the connection off.');
  }

  arrive(bytes: Uint8Array): void {
    if (!this.told) this.reader?.bytes(bytes);
  }

  learnOfEnd(detail: string): void {
    if (this.told) return;
    this.told = true;
    this.reader?.closed(detail);
  }

  private finish(detail: string): void {
    if (this.ended) return;
    this.ended = true;
    const { other } = this;
    if (!this.silent) this.defer(() => other?.learnOfEnd(detail));
    this.defer(() => this.learnOfEnd('Closed by this side.'));
  }
}

export interface MemoryPipe {
  readonly left: BytePipe;
  readonly right: BytePipe;
  /** Everything that end wrote, in one piece. */
  writtenBy(end: 'left' | 'right'): Uint8Array;
  /** From now on nothing gets through and nobody is told. */
  cut(): void;
}

/** Two ends of a pipe in memory; `defer` gives every delivery a turn of its own, in order. */
export const memoryPipe = (defer: (task: () => void) => void): MemoryPipe => {
  const left = new MemoryPipeEnd(defer);
  const right = new MemoryPipeEnd(defer);
  left.other = right;
  right.other = left;
  return {
    left,
    right,
    writtenBy: (end) => Uint8Array.from((end === 'left' ? left : right).written.flatMap((bytes) => [...bytes])),
    cut: () => {
      left.silent = true;
      right.silent = true;
    },
  };
};
