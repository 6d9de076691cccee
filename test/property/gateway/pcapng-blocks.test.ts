import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BlockSplitter,
  interfaceOf,
  PACKET_BLOCK,
  type PcapngBlock,
  renumber,
} from '../../../gateway/workers/view/pcapng-blocks.ts';
import { BlockWriter } from '../../../observability/capture/block-writer.ts';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../../observability/capture/pcapng.ts';
import { readPcapng } from '../../support/pcapng.ts';

const packet = fc.record({
  interface: fc.nat(1),
  bytes: fc.uint8Array({ maxLength: 80 }),
  packetId: fc.nat(1_000_000),
  lostBefore: fc.nat(3),
  comment: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
});

/** Cuts octets anywhere. */
const pieces = (octets: Uint8Array, cuts: readonly number[]): readonly Buffer[] => {
  const places = [...new Set(cuts.map((cut) => cut % (octets.length + 1)))].toSorted((a, b) => a - b);
  return [...places, octets.length].map((end, index) => Buffer.from(octets.slice(places[index - 1] ?? 0, end)));
};

test('a file cut anywhere has the same blocks, and packets get numbers that no other worker gives', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 12 }),
      fc.array(fc.nat()),
      fc.integer({ min: 2, max: 16 }),
      fc.nat(),
      (packets, cuts, count, any) => {
        const worker = any % count;
        const out = new BlockWriter(1024);
        sectionHeader(out, { application: 'a', os: 'b', comment: 'c' });
        for (const name of ['gre', 'tun']) interfaceDescription(out, { linkType: 101, name, description: 'd' });
        for (const one of packets) {
          enhancedPacket(out, { ...one, time: 1, originalLength: one.bytes.length, direction: 'in' });
        }
        const octets = out.take();
        const splitter = new BlockSplitter();
        const blocks = pieces(octets, cuts).flatMap((piece) => [...splitter.push(piece)]);
        expect(Buffer.concat(blocks.map(({ bytes }) => bytes)).equals(octets)).toBe(true);
        const found = blocks.filter(({ type }) => type === PACKET_BLOCK);
        expect(found.map(interfaceOf)).toEqual(packets.map((one) => one.interface));
        for (const block of found) renumber(block, worker, count);
        const read = readPcapng(Buffer.concat(blocks.map(({ bytes }) => bytes)));
        expect(read.packets.map(({ packetId }) => packetId)).toEqual(
          packets.map(({ packetId }) => packetId * count + worker),
        );
        expect(read.packets.map(({ bytes }) => [...bytes])).toEqual(packets.map(({ bytes }) => [...bytes]));
        expect(read.packets.map(({ lostBefore }) => lostBefore)).toEqual(packets.map((one) => one.lostBefore));
      },
    ),
  );
});

test('octets that are no file of ours end with an error or wait for more, and cost no memory beyond a block', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), fc.nat(), (chunks, worker) => {
      const splitter = new BlockSplitter();
      const blocks: PcapngBlock[] = [];
      try {
        for (const chunk of chunks) blocks.push(...splitter.push(Buffer.from(chunk)));
      } catch (cause) {
        expect(cause).toEqual(new Error('no pcapng block'));
      }
      for (const block of blocks) {
        const { length } = block.bytes;
        expect(interfaceOf(block)).toBeGreaterThanOrEqual(0);
        renumber(block, worker % 16, 16);
        expect(block.bytes.length).toBe(length);
      }
    }),
  );
});
