import { readU16, writeU16 } from '../bytes/bytes.ts';

/** PPP protocol numbers (the IANA "PPP DLL Protocol Numbers"). */
export const PPP = {
  ipv4: 0x0021,
  vjCompressed: 0x002d,
  vjUncompressed: 0x002f,
  ipv6: 0x0057,
  /** A compressed or MPPE-encrypted datagram (RFC 1962 section 2.1, RFC 3078 section 3). */
  compressed: 0x00fd,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  ccp: 0x80fd,
  lcp: 0xc021,
  pap: 0xc023,
  lqr: 0xc025,
  spap: 0xc027,
  chap: 0xc223,
  eap: 0xc227,
} as const;

/** The numbers of the network control protocols, CCP among them (RFC 1661 section 2). */
export const isNetworkControl = (protocol: number): boolean => protocol >= 0x8000 && protocol <= 0xbfff;

/** "ipv6cp (0x8057)", for people. */
export const describeProtocol = (protocol: number): string => {
  const number = `0x${protocol.toString(16).padStart(4, '0')}`;
  const name = Object.entries(PPP).find(([, value]) => value === protocol)?.[0];
  return name === undefined ? number : `${name} (${number})`;
};

const ALL_STATIONS = 0xff;
const UNNUMBERED_INFORMATION = 0x03;

/**
 * Reads the PPP header of the frame in `bytes[from, to)`: an optional FF 03, then a protocol field of one or two
 * octets. Both short forms are taken at any time, negotiated or not, since real peers mix them (RFC 1661 sections 6.5
 * and 6.6). Returns `protocol * 8 + header length` to spare the data path an object, or -1 when the frame ends first.
 */
export const readPppHeader = (bytes: Uint8Array, from: number, to: number): number => {
  const end = Math.min(to, bytes.length);
  let at = from;
  // 0x00FF is never assigned (RFC 1661 section 6.5), so a leading FF 03 is always address and control.
  if (end - at >= 2 && bytes[at] === ALL_STATIONS && bytes[at + 1] === UNNUMBERED_INFORMATION) at += 2;
  if (at >= end) return -1;
  const first = bytes[at] ?? 0;
  if ((first & 1) === 1) return first * 8 + (at + 1 - from);
  if (at + 2 > end) return -1;
  return readU16(bytes, at) * 8 + (at + 2 - from);
};

export const pppProtocol = (header: number): number => header >>> 3;
export const pppHeaderLength = (header: number): number => header & 7;

/** What the peer lets us leave out of the frames we send. */
export interface PppCompression {
  readonly sendPfc: boolean;
  readonly sendAcfc: boolean;
}

/**
 * Octets that `writePppHeader` will need. LCP is always sent in full, whatever was negotiated (RFC 1661 sections 6.5
 * and 6.6).
 */
export const pppHeaderSize = (protocol: number, compression: PppCompression): number => {
  if (protocol === PPP.lcp) return 4;
  return (compression.sendAcfc ? 0 : 2) + (compression.sendPfc && isShort(protocol) ? 1 : 2);
};

/** Writes the header at `at` and returns its length. */
export const writePppHeader = (
  bytes: Uint8Array,
  at: number,
  protocol: number,
  compression: PppCompression,
): number => {
  const size = pppHeaderSize(protocol, compression);
  let cursor = at;
  if (protocol === PPP.lcp || !compression.sendAcfc) {
    bytes[cursor] = ALL_STATIONS;
    bytes[cursor + 1] = UNNUMBERED_INFORMATION;
    cursor += 2;
  }
  if (at + size - cursor === 1) bytes[cursor] = protocol;
  else writeU16(bytes, cursor, protocol);
  return size;
};

const isShort = (protocol: number): boolean => protocol < 0xff && (protocol & 1) === 1;
