/** Octets of a string, one per UTF-16 unit; units above 0xFF become `?`. */
export const asciiBytes = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    out[i] = unit > 0xff ? 0x3f : unit;
  }
  return out;
};

/** A string of one UTF-16 unit per octet (ISO 8859-1); total on any octets. */
export const asciiText = (bytes: Uint8Array): string => {
  let out = '';
  for (const octet of bytes) out += String.fromCharCode(octet);
  return out;
};

/** Peer-supplied text made safe for logs: printable ASCII, everything else `.`; cut at `limit` characters. */
export const printable = (text: string, limit = 256): string => {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(/[^\x20-\x7e…]/g, '.');
};
