import { readU32 } from './bytes.ts';
import { type Ipv4, ipv4, parseIpv4 } from './ipv4-address.ts';
import { parseIpv6 } from './ipv6-address.ts';

/** A network of either family: 1 or 4 words of 32 bits, host bits zero, and their masks. */
export interface IpNetwork {
  readonly family: 4 | 6;
  readonly words: readonly number[];
  readonly masks: readonly number[];
  /** As written. */
  readonly text: string;
}

const wordMask = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : ~(0xffffffff >>> bits) >>> 0);

const addressWords = (text: string): readonly number[] | undefined => {
  const four = parseIpv4(text);
  if (four !== undefined) return [four];
  const six = parseIpv6(text);
  if (six === undefined) return undefined;
  return [six.prefix.high, six.prefix.low, six.interfaceId.high, six.interfaceId.low];
};

/** "10.0.0.0/8", "fd00::/48", or one address; undefined for anything else, and where a host bit is set. */
export const parseIpNetwork = (text: string): IpNetwork | undefined => {
  const match = /^([0-9a-f:.]{2,45})(?:\/(\d{1,3}))?$/i.exec(text);
  const words = match?.[1] === undefined ? undefined : addressWords(match[1]);
  if (words === undefined) return undefined;
  const bits = words.length * 32;
  const length = match?.[2] === undefined ? bits : Number(match[2]);
  if (length > bits) return undefined;
  const masks = words.map((_, at) => wordMask(length - 32 * at));
  const clean = words.every((word, at) => (word & ~(masks[at] ?? 0)) === 0);
  return clean ? { family: words.length === 1 ? 4 : 6, words, masks, text } : undefined;
};

export const hostNetwork = (address: Ipv4, text: string): IpNetwork => ({
  family: 4,
  words: [ipv4(address)],
  masks: [0xffffffff],
  text,
});

export const holdsIpv4 = (networks: readonly IpNetwork[], address: Ipv4): boolean => {
  for (let i = 0; i < networks.length; i += 1) {
    const network = networks[i];
    if (network?.family !== 4) continue;
    if ((address & (network.masks[0] ?? 0)) >>> 0 === network.words[0]) return true;
  }
  return false;
};

/** Whether the 16 octets at `at` are an address of one of them. */
export const holdsIpv6At = (networks: readonly IpNetwork[], b: Uint8Array, at: number): boolean => {
  for (let i = 0; i < networks.length; i += 1) {
    const network = networks[i];
    if (network?.family === 6 && isIn(network, b, at)) return true;
  }
  return false;
};

const isIn = ({ words, masks }: IpNetwork, b: Uint8Array, at: number): boolean => {
  for (let word = 0; word < 4; word += 1) {
    if ((readU32(b, at + 4 * word) & (masks[word] ?? 0)) >>> 0 !== words[word]) return false;
  }
  return true;
};
