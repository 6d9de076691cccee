import { seededRandom } from '../lab/seeded-random.ts';

/** Choices that look random and are the same for the same seed. */
export class Dice {
  private readonly source: { bytes(length: number): Uint8Array };

  constructor(seed: number) {
    this.source = seededRandom(seed);
    // Seeds that differ little begin alike.
    this.source.bytes(32);
  }

  /** A whole number from `least` to `most`. */
  number(least: number, most: number): number {
    const [a = 0, b = 0, c = 0] = this.source.bytes(3);
    return least + (((a << 16) | (b << 8) | c) % (most - least + 1));
  }

  bytes(length: number): Uint8Array {
    return this.source.bytes(length);
  }

  happens(chance: number): boolean {
    return this.number(0, 9_999) < chance * 10_000;
  }

  pick<T>(items: readonly T[]): T {
    let left = this.number(0, Math.max(0, items.length - 1));
    for (const item of items) {
      if (left === 0) return item;
      left -= 1;
    }
    throw new Error('nothing to choose from');
  }

  /** Text with the characters that user names of peers may hold: one an octet, any octet. */
  text(most = 40): string {
    return String.fromCharCode(...this.bytes(this.number(0, most)));
  }
}
