const TWO_32 = 0x1_0000_0000;
/** UTF-8 of one UTF-16 unit is at most so long. */
const WIDEST = 3;

const encoder = new TextEncoder();

const padded = (length: number): number => (length + 3) & ~3;

/**
 * Writes blocks of a pcapng file, little-endian, one behind the other into one buffer that grows: a block of a packet
 * costs no allocation of its own.
 */
export class BlockWriter {
  private readonly room: number;
  private bytes: Uint8Array;
  private view: DataView;
  private length = 0;
  /** Where the block under way began. */
  private start = 0;
  private hasOptions = false;

  /** `room`: octets that are there to begin with, and again after each `take`. */
  constructor(room: number) {
    this.room = room;
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
  }

  /** What has been written since the last time; the writer does not touch it again. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
    return taken;
  }

  begin(type: number): void {
    this.start = this.length;
    this.hasOptions = false;
    this.u32(type);
    this.u32(0);
  }

  /** Closes the options and the block. */
  end(): void {
    if (this.hasOptions) this.u32(0);
    const length = this.length + 4 - this.start;
    this.u32(length);
    this.view.setUint32(this.start + 4, length, true);
  }

  u16(value: number): void {
    const at = this.grow(2);
    this.view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.grow(4);
    this.view.setUint32(at, value, true);
  }

  u64(value: number): void {
    this.u32(value % TWO_32);
    this.u32(Math.floor(value / TWO_32));
  }

  /** Times have their high half first, in every byte order. */
  time(value: number): void {
    this.u32(Math.floor(value / TWO_32));
    this.u32(value % TWO_32);
  }

  /** Filled up with zeros to a multiple of four. */
  octets(octets: Uint8Array): void {
    const at = this.grow(padded(octets.length));
    this.bytes.set(octets, at);
  }

  /** The head of an option whose value, of `length` octets, is written next. */
  option(code: number, length: number): void {
    this.hasOptions = true;
    this.u16(code);
    this.u16(length);
  }

  text(code: number, text: string): void {
    this.option(code, 0);
    const at = this.length;
    this.grow(padded(text.length * WIDEST));
    const { written } = encoder.encodeInto(text, this.bytes.subarray(at));
    this.length = at + padded(written);
    this.view.setUint16(at - 2, written, true);
  }

  /** Room for `length` more octets, all zero; where they begin. */
  private grow(length: number): number {
    const at = this.length;
    const end = at + length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.room, end, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    this.length = end;
    return at;
  }
}
