import { describe, expect, test } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { MppeSessionKey } from '../../../core/crypto/mppe-keys.ts';
import { MppeReceiver } from '../../../core/datapath/mppe-receiver.ts';
import { MppeSender } from '../../../core/datapath/mppe-sender.ts';

/** SendStartKey128 of RFC 3079 section 3.5.3. */
const START = fromHex('8b7cdc149b993a1ba118cb153f56dccb');
const PLAIN = concatBytes(fromHex('0021'), asciiBytes('test message'));

/**
 * The RFC prints no encrypted packets. These are derived: the keys of RFC 3079 section 3.5 taken through section 7 of
 * RFC 3078, stateless, server to client.
 */
const DERIVED = [
  [128, 0, '726f10500e2b54135b1b74d7682f0471', '9000 7058224e931b78d7b615fa441831'],
  [128, 1, '2805bc7869bec825573a7803e95a3acd', '9001 353c954cd545ce3127ae68f6eaf7'],
  [128, 2, '58128c36cabd54968139fd94b5883d4a', '9002 ccd944be42cdeb32b13ad672958a'],
  [40, 0, 'd1269ece4d98d181', '9000 9edca503e79a60e2522dae2433ed'],
  [40, 1, 'd1269edeefbd8aff', '9001 f2032a093e8db197de2d4c926850'],
  [56, 0, 'd16182a2ab481407', '9000 68da873ed60fa7346af19674dde1'],
  [56, 1, 'd178cc274f63faf1', '9001 b23c8663c3c38ad80cdf2da2e05f'],
] as const;

describe('7.1 and 7.3 stateless key changes (derived vectors)', () => {
  test.each(DERIVED)('%i bits, coherency count %i: the key', (strength, count, key) => {
    const session = new MppeSessionKey(START, strength);
    for (let i = 0; i <= count; i += 1) session.change();
    expect(toHex(session.key)).toBe(key);
  });

  test.each(DERIVED)('%i bits, coherency count %i: the packet, both ways', (strength, count, _key, packet) => {
    const options = { strength, stateless: true };
    const sender = new MppeSender(START, options);
    const slab = new Uint8Array(64);
    for (let i = 0; i <= count; i += 1) {
      slab.set(PLAIN, 10);
      sender.encrypt(slab, 10, PLAIN.length);
    }
    expect(toHex(slab.subarray(8, 10 + PLAIN.length))).toBe(toHex(fromHex(packet)));

    // Section 8.1: a receiver that lost the packets before catches up by itself.
    const receiver = new MppeReceiver(START, options);
    expect(receiver.decrypt(slab, 8, PLAIN.length + 2)).toBe('decrypted');
    expect(slab.subarray(10, 10 + PLAIN.length)).toEqual(PLAIN);
  });
});
