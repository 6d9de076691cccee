import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stands in for a TUN descriptor where no right to make one is needed: both ends of a FIFO, 64 KiB deep, non-blocking. */
export class Fifo {
  readonly fd: number;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'pptp-fifo-'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    this.fd = openSync(join(folder, 'fifo'), constants.O_RDWR | constants.O_NONBLOCK);
    rmSync(folder, { recursive: true });
  }

  put(bytes: Uint8Array): void {
    if (writeSync(this.fd, bytes) !== bytes.length) throw new Error('the FIFO took only a part');
  }

  /** All that is in it. */
  take(): Uint8Array {
    const whole = new Uint8Array(1 << 17);
    let length = 0;
    try {
      for (;;) length += readSync(this.fd, whole, length, whole.length - length, null);
    } catch (cause) {
      if (!(cause instanceof Error) || Reflect.get(cause, 'code') !== 'EAGAIN') throw cause;
    }
    return whole.slice(0, length);
  }

  close(): void {
    closeSync(this.fd);
  }
}
