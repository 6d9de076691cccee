import { Duplex } from 'node:stream';

/** The socket TLS believes to have: what it writes is collected, what it reads was pushed by hand. */
export class MemorySocket extends Duplex {
  /** Counts what happened, so that a reader can tell when nothing does any more. */
  activity = 0;
  private written: Uint8Array[] = [];

  override _read(): void {
    // Pushed as it comes.
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    this.activity += 1;
    done();
  }

  feed(bytes: Uint8Array): void {
    if (!this.destroyed && bytes.length > 0) this.push(Uint8Array.from(bytes));
  }

  takeOutput(): Uint8Array {
    const output = Uint8Array.from(Buffer.concat(this.written));
    this.written = [];
    return output;
  }
}
