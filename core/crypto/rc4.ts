const IDENTITY = Uint8Array.from({ length: 256 }, (_, i) => i);

/** RC4 with reusable tables: `init` and `apply` allocate nothing. Encrypting and decrypting are the same. */
export class Rc4 {
  private readonly s = new Uint8Array(256);
  private i = 0;
  private j = 0;

  /** Sets the tables up with a key of 1 to 256 octets. */
  init(key: Uint8Array): void {
    const s = this.s;
    const length = key.length;
    s.set(IDENTITY);
    let j = 0;
    let k = 0;
    for (let i = 0; i < 256; i += 1) {
      const a = s[i] as number;
      j = (j + a + (key[k] as number)) & 0xff;
      k += 1;
      if (k === length) k = 0;
      s[i] = s[j] as number;
      s[j] = a;
    }
    this.i = 0;
    this.j = 0;
  }

  /** Turns `data[offset .. offset + length)` in place. */
  apply(data: Uint8Array, offset: number, length: number): void {
    const s = this.s;
    let i = this.i;
    let j = this.j;
    const end = offset + length;
    for (let at = offset; at < end; at += 1) {
      i = (i + 1) & 0xff;
      const a = s[i] as number;
      j = (j + a) & 0xff;
      const b = s[j] as number;
      s[i] = b;
      s[j] = a;
      data[at] = (data[at] as number) ^ (s[(a + b) & 0xff] as number);
    }
    this.i = i;
    this.j = j;
  }
}

/** RC4 of `data` under `key` as new octets. */
export const rc4 = (key: Uint8Array, data: Uint8Array): Uint8Array => {
  const out = data.slice();
  const cipher = new Rc4();
  cipher.init(key);
  cipher.apply(out, 0, out.length);
  return out;
};
