import { fstatSync, writeSync } from 'node:fs';

/**
 * A pipe to the process that whoever started the gateway looks at. It stays, does nothing, and learns here who serves and how
 * that ended; all processes that serve, one after the other, hold its end, and when the last of them is gone it closes.
 */
export class LifeLine {
  readonly fd: number;

  constructor(fd: number) {
    fstatSync(fd);
    this.fd = fd;
    process.once('exit', (code) => this.exits(code));
  }

  tell(line: string): void {
    try {
      writeSync(this.fd, `${line}\n`);
    } catch {
      // Nobody looks any more.
    }
  }

  /** Another process has it now: this one's end says nothing. */
  passOn(): void {
    this.passed = true;
  }

  private passed = false;

  private exits(code: number): void {
    if (!this.passed) this.tell(`exit ${code}`);
  }
}
