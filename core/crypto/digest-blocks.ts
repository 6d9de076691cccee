/**
 * The parts one after the other, padded as MD4, MD5 and SHA-1 want it: 0x80, zeros, and the length in bits (64 of them) at
 * the end of a block of 64 octets.
 */
export const paddedBlocks = (parts: readonly Uint8Array[], littleEndian: boolean): DataView => {
  let length = 0;
  for (const part of parts) length += part.length;
  const padded = new Uint8Array((Math.floor((length + 8) / 64) + 1) * 64);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  const low = padded.length - (littleEndian ? 8 : 4);
  const high = padded.length - (littleEndian ? 4 : 8);
  view.setUint32(low, (length * 8) >>> 0, littleEndian);
  view.setUint32(high, Math.floor(length / 0x20000000), littleEndian);
  return view;
};

/** A state of 32-bit words as octets. */
export const wordOctets = (words: Int32Array, littleEndian: boolean): Uint8Array => {
  const out = new Uint8Array(4 * words.length);
  const view = new DataView(out.buffer);
  for (let i = 0; i < words.length; i += 1) view.setInt32(4 * i, words[i] ?? 0, littleEndian);
  return out;
};
