import { fileURLToPath } from 'node:url';
import { emptyGreHeader, IP_PROTOCOL_GRE, parseGre } from '../../core/wire/gre.ts';
import { readPcap } from './pcap.ts';

/** A PPP frame of a capture: who sent it, and what is behind the protocol field. */
export interface CapturedFrame {
  readonly from: 'client' | 'server';
  readonly sequence: number;
  readonly protocol: number;
  readonly information: Uint8Array;
}

/** The client of every capture; see test/captures/README.md. */
const CLIENT = [198, 51, 100, 101].join();

/** All PPP frames of test/captures/<name>.pcap, in the order they passed. */
export const readPptpCapture = (name: string): CapturedFrame[] => {
  const frames: CapturedFrame[] = [];
  const header = emptyGreHeader();
  for (const { bytes } of readPcap(fileURLToPath(new URL(`../captures/${name}.pcap`, import.meta.url)))) {
    if (bytes[9] !== IP_PROTOCOL_GRE) continue;
    const start = ((bytes[0] ?? 0) & 15) * 4;
    const why = parseGre(bytes, start, bytes.length - start, header);
    if (why !== undefined) throw new Error(`${name} holds a GRE packet that is ${why}`);
    if (header.payloadLength === 0) continue;
    const from = bytes.subarray(12, 16).join() === CLIENT ? 'client' : 'server';
    const payload = start + header.headerLength;
    frames.push({
      from,
      sequence: header.sequence,
      ...pppFields(bytes.slice(payload, payload + header.payloadLength)),
    });
  }
  return frames;
};

/** Address and control are optional, the protocol field has one or two octets (RFC 1661 sections 6.5 and 6.6). */
const pppFields = (frame: Uint8Array): { readonly protocol: number; readonly information: Uint8Array } => {
  const at = frame[0] === 0xff && frame[1] === 0x03 ? 2 : 0;
  const first = frame[at] ?? 0;
  return (first & 1) === 1
    ? { protocol: first, information: frame.subarray(at + 1) }
    : { protocol: (first << 8) | (frame[at + 1] ?? 0), information: frame.subarray(at + 2) };
};
