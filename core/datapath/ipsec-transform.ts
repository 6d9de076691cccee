import type { EspShape } from '../wire/esp.ts';

/**
 * What an algorithm does to ESP packets, in place. `b[at .. at + length)` is the whole packet from the SPI to the ICV; the
 * lengths are right (`checkEsp`). `high` is the upper half of an extended sequence number, -1 where there is none: it is
 * not on the wire, and the ICV covers it (RFC 4303 section 2.2.1).
 */
export interface EspTransform extends EspShape {
  readonly name: string;
  /** Writes the IV, encrypts and writes the ICV. Header, payload and trailer are there. */
  seal(b: Uint8Array, at: number, length: number, high: number): void;
  /** Verifies and decrypts; false, and nothing to be believed, when the ICV is wrong. */
  open(b: Uint8Array, at: number, length: number, high: number): boolean;
}
