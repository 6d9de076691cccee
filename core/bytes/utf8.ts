/** The octets of a text in UTF-8 (RFC 3629). Halves of surrogate pairs become U+FFFD. */
export const utf8Bytes = (text: string): Uint8Array => {
  const out: number[] = [];
  for (const character of text) {
    const point = scalar(character.codePointAt(0) ?? 0);
    if (point < 0x80) out.push(point);
    else if (point < 0x800) out.push(0xc0 | (point >> 6), tail(point));
    else if (point < 0x10000) out.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    else out.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
  }
  return Uint8Array.from(out);
};

const isSurrogate = (point: number): boolean => point >= 0xd800 && point <= 0xdfff;
const scalar = (point: number): number => (isSurrogate(point) ? 0xfffd : point);
const tail = (point: number): number => 0x80 | (point & 0x3f);

/** The smallest code point that a sequence of so many octets may stand for. */
const LEAST = [0, 0, 0x80, 0x800, 0x10000] as const;

/** The text of octets in UTF-8; undefined when they are not. */
export const utf8Text = (bytes: Uint8Array): string | undefined => {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length === 0 || at + length > bytes.length) return undefined;
    let point = length === 1 ? first : first & (0xff >> (length + 1));
    for (let i = 1; i < length; i += 1) {
      const octet = bytes[at + i] ?? 0;
      if (octet >> 6 !== 2) return undefined;
      point = (point << 6) | (octet & 0x3f);
    }
    if (point < (LEAST[length] ?? 0) || isSurrogate(point) || point > 0x10ffff) return undefined;
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
};
