const DIGITS = '0123456789abcdef';

/** Lower-case hexadecimal, two digits an octet. */
export const toHex = (bytes: Uint8Array): string => {
  let out = '';
  for (const octet of bytes) out += `${DIGITS[octet >> 4]}${DIGITS[octet & 15]}`;
  return out;
};

/** Octets of a hexadecimal string; white space is ignored. Throws RangeError on anything else (programmer input only). */
export const fromHex = (text: string): Uint8Array => {
  const digits = text.replace(/\s+/g, '').toLowerCase();
  if (digits.length % 2 !== 0 || /[^0-9a-f]/.test(digits)) throw new RangeError('not a hexadecimal string');
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
};
