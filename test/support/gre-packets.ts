import { concatBytes } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ControlStream } from '../../core/wire/control-stream.ts';
import { emptyGreHeader, greLength, parseGre, writeGre } from '../../core/wire/gre.ts';
import type { PptpMessage } from '../../core/wire/pptp-message.ts';
import { batchOf } from './batches.ts';
import type { LabPeer } from './gateway-lab.ts';
import { SERVER } from './gateway-lab.ts';
import type { WirePacket } from './gre-wire.ts';

export interface SeenGre {
  readonly at: number;
  readonly callId: number;
  /** -1 when absent. */
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly payload: Uint8Array;
}

/** The GRE packets that left an address, decoded; a test fails on one that is no GRE packet. */
export const sentFrom = (source: Ipv4, packets: readonly WirePacket[]): SeenGre[] =>
  packets
    .filter(({ outerSource }) => outerSource === source)
    .map(({ at, bytes }) => {
      const header = emptyGreHeader();
      const fault = parseGre(bytes, 0, bytes.length, header);
      if (fault !== undefined) throw new Error(`no GRE packet on the wire: ${fault}`);
      const { callId, sequence, acknowledgment, headerLength } = header;
      return { at, callId, sequence, acknowledgment, payload: bytes.slice(headerLength) };
    });

export const grePacket = (callId: number, sequence: number, payload: Uint8Array, acknowledgment = -1): Uint8Array => {
  const header = new Uint8Array(greLength(sequence, acknowledgment));
  writeGre(header, 0, callId, payload.length, sequence, acknowledgment);
  return concatBytes(header, payload);
};

/** Puts packets onto the wire in the name of a client, whatever its own stages would say. */
export const injectGre = (client: LabPeer, ...packets: readonly Uint8Array[]): void => {
  const batch = batchOf(packets);
  for (let at = 0; at < batch.count; at += 1) batch.outerEndpoints(at, client.outer, SERVER);
  client.gre.write(batch);
};

/** All messages of one direction of a control connection. */
export const controlMessages = (bytes: Uint8Array): PptpMessage[] => {
  const messages: PptpMessage[] = [];
  const fault = new ControlStream().receive(bytes, (message) => {
    messages.push(message);
    return true;
  });
  if (fault !== undefined) throw new Error(`no control message: ${fault}`);
  return messages;
};

/** Whether `needle` occurs anywhere in `hay`. */
export const contains = (hay: Uint8Array, needle: Uint8Array): boolean =>
  Buffer.from(hay).includes(Buffer.from(needle));
