const IDENTITY = Uint8Array.from({ length: 256 }, (_, i) => i);

/** RC4 with reusable tables: `init` and `apply` allocate nothing. Encrypting and decrypting are the same. */
export class Rc4 {
  private readonly s = new Uint8Array(256);
  private i = 0;
  private j = 0;

  /** Sets the tables up with a key of 1 to 256 octets. */
  init(key: Uint8Array): void {
    const s = this.s;
    s.set(IDENTITY);
    const last = key.length - 1;
    // Lengths of MPPE keys are powers of two: their octets repeat by a mask.
    if ((key.length & last) === 0) this.scheduleMasked(key, last);
    else this.schedule(key);
    this.i = 0;
    this.j = 0;
  }

  /** Where the key stream is. */
  state(): { readonly s: Uint8Array; readonly i: number; readonly j: number } {
    return { s: this.s.slice(), i: this.i, j: this.j };
  }

  /** `s` has 256 octets. */
  restore({ s, i, j }: ReturnType<Rc4['state']>): void {
    this.s.set(s);
    this.i = i;
    this.j = j;
  }

  /** Turns `data[offset .. offset + length)` in place. Four octets a turn: about a third quicker on V8 than one. */
  apply(data: Uint8Array, offset: number, length: number): void {
    const s = this.s;
    let i = this.i;
    let j = this.j;
    let a = 0;
    let b = 0;
    let at = offset;
    const end = offset + length;
    const whole = offset + (length & ~3);
    while (at < whole) {
      i = (i + 1) & 0xff;
      a = s[i] as number;
      j = (j + a) & 0xff;
      b = s[j] as number;
      s[i] = b;
      s[j] = a;
      data[at] = (data[at] as number) ^ (s[(a + b) & 0xff] as number);
      i = (i + 1) & 0xff;
      a = s[i] as number;
      j = (j + a) & 0xff;
      b = s[j] as number;
      s[i] = b;
      s[j] = a;
      data[at + 1] = (data[at + 1] as number) ^ (s[(a + b) & 0xff] as number);
      i = (i + 1) & 0xff;
      a = s[i] as number;
      j = (j + a) & 0xff;
      b = s[j] as number;
      s[i] = b;
      s[j] = a;
      data[at + 2] = (data[at + 2] as number) ^ (s[(a + b) & 0xff] as number);
      i = (i + 1) & 0xff;
      a = s[i] as number;
      j = (j + a) & 0xff;
      b = s[j] as number;
      s[i] = b;
      s[j] = a;
      data[at + 3] = (data[at + 3] as number) ^ (s[(a + b) & 0xff] as number);
      at += 4;
    }
    for (; at < end; at += 1) {
      i = (i + 1) & 0xff;
      a = s[i] as number;
      j = (j + a) & 0xff;
      b = s[j] as number;
      s[i] = b;
      s[j] = a;
      data[at] = (data[at] as number) ^ (s[(a + b) & 0xff] as number);
    }
    this.i = i;
    this.j = j;
  }

  private scheduleMasked(key: Uint8Array, mask: number): void {
    const s = this.s;
    let j = 0;
    for (let i = 0; i < 256; i += 1) {
      const a = s[i] as number;
      j = (j + a + (key[i & mask] as number)) & 0xff;
      s[i] = s[j] as number;
      s[j] = a;
    }
  }

  private schedule(key: Uint8Array): void {
    const s = this.s;
    let j = 0;
    for (let i = 0; i < 256; i += 1) {
      const a = s[i] as number;
      j = (j + a + (key[i % key.length] as number)) & 0xff;
      s[i] = s[j] as number;
      s[j] = a;
    }
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
