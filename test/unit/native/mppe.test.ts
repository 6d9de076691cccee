import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { NativeMppe } from '../../../native/mppe.d.ts';
import { loadAddonWith } from '../../../plugins/native-addon/load-addon.ts';
import { loadAddon } from './addon.ts';

let native: NativeMppe;
beforeAll(() => {
  loadAddon();
  native = loadAddonWith<NativeMppe>(['mppeBatch']);
}, 120_000);

type Arguments = Parameters<NativeMppe['mppeBatch']>;

/** Two packets of two streams, all in order. */
const good = (): Arguments => {
  const streams = new Uint8Array(96);
  streams[32] = 128;
  streams[48 + 32] = 40;
  return [new Uint8Array(64), Int32Array.of(0, 30, 0, 30, 34, 1), 2, streams, 2, new Uint8Array(32)];
};

const failure = (call: () => void): unknown => {
  try {
    call();
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${error.name} ${String(error.code)}` : error;
  }
  return undefined;
};

describe('mppeBatch', () => {
  test('takes packets that fill their arrays to the last octet, and none at all', () => {
    const all = good();
    native.mppeBatch(...all);
    expect(all[0].some((octet) => octet !== 0)).toBe(true);
    expect(failure(() => native.mppeBatch(new Uint8Array(0), new Int32Array(0), 0, new Uint8Array(0), 0, all[5]))).toBe(
      undefined,
    );
  });

  const wrong: [string, (all: Arguments) => void][] = [
    ['a packet past the end', ([, packets]) => packets.set([35], 4)],
    ['a negative offset', ([, packets]) => packets.set([-1], 0)],
    ['a negative length', ([, packets]) => packets.set([-1], 1)],
    ['an offset and a length that add up past 2^31', ([, packets]) => packets.set([2 ** 31 - 1, 2 ** 31 - 1], 0)],
    ['a stream that is not there', ([, packets]) => packets.set([2], 5)],
    ['a negative stream', ([, packets]) => packets.set([-1], 2)],
    ['a strength that nobody knows', ([, , , streams]) => streams.set([64], 48 + 32)],
  ];
  test.each(wrong)('refuses %s and changes nothing', (_what, spoil) => {
    const all = good();
    spoil(all);
    const before = all.map((one) => (typeof one === 'number' ? one : one.slice()));
    expect(failure(() => native.mppeBatch(...all))).toBe('RangeError EINVAL');
    expect(all).toEqual(before);
  });

  test.each([
    ['more packets than numbers', 3, 2],
    ['more streams than records', 2, 3],
    ['more than there ever are', 2 ** 31 - 1, 2 ** 31 - 1],
  ])('refuses %s', (_what, packets, streams) => {
    const [slab, numbers, , records, , keys] = good();
    expect(failure(() => native.mppeBatch(slab, numbers, packets, records, streams, keys))).toBe('RangeError EINVAL');
  });

  test('refuses more packets than keys have room for', () => {
    const [slab, numbers, , records] = good();
    expect(failure(() => native.mppeBatch(slab, numbers, 2, records, 2, new Uint8Array(31)))).toBe('RangeError EINVAL');
  });

  test('any arguments at all: it works or it throws a TypeError or RangeError', () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 70 }), fc.integer(), fc.double(), fc.constant(Number.NaN));
    const array = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.int32Array({ maxLength: 60 }),
      fc
        .array(fc.tuple(fc.nat(40), fc.nat(30), fc.nat(3)), { maxLength: 80 })
        .map((all) => Int32Array.from(all.flat())),
      fc.nat(200).map((length) => new Uint8Array(length).fill(128)),
      fc.float32Array({ maxLength: 9 }),
      fc.nat(20).map((length) => new DataView(new ArrayBuffer(length))),
    );
    const anything = fc.oneof({ weight: 5, arbitrary: array }, { weight: 5, arbitrary: number }, fc.anything());
    const likely = fc.tuple(array, array, fc.nat(80), array, fc.nat(4), array).map((all): unknown[] => all);
    fc.assert(
      fc.property(fc.oneof(likely, fc.array(anything, { maxLength: 8 })), (all) => {
        const fault = failure(() => Reflect.apply(native.mppeBatch, native, all));
        expect([undefined, 'TypeError EINVAL', 'RangeError EINVAL']).toContain(fault);
      }),
      { numRuns: 3000 },
    );
  });

  test('arrays that share their memory do no harm beyond it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 66, max: 150 }), fc.nat(255), (packets, fill) => {
        const memory = new ArrayBuffer(8192);
        const octets = new Uint8Array(memory).fill(fill);
        const numbers = new Int32Array(memory, 0, 3 * packets);
        for (let at = 0; at < packets; at += 1) numbers.set([0, 2400, at % 2], 3 * at);
        octets[6000 + 32] = 128;
        octets[6048 + 32] = 56;
        const streams = new Uint8Array(memory, 6000, 96);
        const keys = new Uint8Array(memory, 1000, 16 * packets);
        const fault = failure(() => native.mppeBatch(octets, numbers, packets, streams, 2, keys));
        expect([undefined, 'RangeError EINVAL']).toContain(fault);
      }),
    );
  });
});
