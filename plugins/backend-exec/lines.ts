const NEWLINE = 0x0a;

/** Cuts a stream of octets into lines, none longer than `most` octets. */
export class Lines {
  private readonly most: number;
  private parts: Uint8Array[] = [];
  private held = 0;
  private skipping = false;

  constructor(most: number) {
    this.most = most;
  }

  /** The lines that are whole now, without their ends; `undefined` stands for one that was too long. */
  push(octets: Uint8Array): (string | undefined)[] {
    const lines: (string | undefined)[] = [];
    let from = 0;
    for (let end = octets.indexOf(NEWLINE); end >= 0; end = octets.indexOf(NEWLINE, from)) {
      this.hold(octets.subarray(from, end));
      lines.push(this.skipping ? undefined : Buffer.concat(this.parts).toString('utf8').replace(/\r$/, ''));
      this.parts = [];
      this.held = 0;
      this.skipping = false;
      from = end + 1;
    }
    this.hold(octets.subarray(from));
    return lines;
  }

  /** A line without an end is longer than any may be. */
  get overlong(): boolean {
    return this.skipping;
  }

  private hold(part: Uint8Array): void {
    if (this.skipping || part.length === 0) return;
    this.held += part.length;
    if (this.held > this.most) {
      this.skipping = true;
      this.parts = [];
      return;
    }
    this.parts.push(Uint8Array.from(part));
  }
}
