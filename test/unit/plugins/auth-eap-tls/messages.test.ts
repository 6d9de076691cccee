import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { parseEapTls } from '../../../../core/wire/eap-tls.ts';
import { emptyPacket, Fragments, Reassembly, startPacket } from '../../../../plugins/auth-eap-tls/messages.ts';

const MESSAGE = Uint8Array.from({ length: 100 }, (_, i) => i);
const read = (bytes: Uint8Array) => {
  const packet = parseEapTls(bytes);
  if (packet === undefined) throw new Error('unreadable');
  return packet;
};

describe('fragments of a TLS message', () => {
  it('a message that fits is one packet without a length', () => {
    const fragments = new Fragments(MESSAGE, 101);
    expect(toHex(fragments.next())).toBe(`00${toHex(MESSAGE)}`);
    expect(fragments.done).toBe(true);
  });

  it('a longer one says its length in the first packet and M in all but the last', () => {
    const fragments = new Fragments(MESSAGE, 50);
    const sent: Uint8Array[] = [];
    while (!fragments.done) sent.push(fragments.next());
    expect(sent.map((bytes) => [bytes.length, bytes[0]])).toEqual([
      [50, 0xc0],
      [50, 0x40],
      [7, 0x00],
    ]);
    const reassembly = new Reassembly();
    expect(sent.map((bytes) => reassembly.add(read(bytes)))).toEqual(['more', 'more', MESSAGE]);
  });

  it('an acknowledgment is one zero octet, a start has S alone', () => {
    expect(toHex(emptyPacket())).toBe('00');
    expect(toHex(startPacket())).toBe('20');
  });
});

describe('reassembly', () => {
  const part = (length: number, more: boolean, totalLength?: number) => ({
    start: false,
    more,
    data: new Uint8Array(length),
    ...(totalLength === undefined ? {} : { totalLength }),
  });

  it('takes a message whose every packet names the length, as some peers send them', () => {
    const reassembly = new Reassembly();
    expect(reassembly.add(part(10, true, 15))).toBe('more');
    expect(reassembly.add(part(5, false, 15))).toHaveLength(15);
    expect(reassembly.add(part(3, false))).toHaveLength(3);
  });

  it.each([
    ['more octets than announced', [part(10, true, 12), part(5, false)]],
    ['fewer octets than announced', [part(10, true, 20), part(5, false)]],
    ['a fragment of nothing', [part(0, true, 20)]],
    ['more than 64 kB announced and sent', [...Array.from({ length: 47 }, () => part(1400, true, 0xffffffff))]],
    ['more than 64 kB without a length', [...Array.from({ length: 47 }, () => part(1400, true))]],
  ])('refuses %s', (_name, parts) => {
    const reassembly = new Reassembly();
    expect(parts.map((one) => reassembly.add(one)).at(-1)).toBe('bad');
  });

  it('a packet whose length field is cut is none', () => {
    expect(parseEapTls(new Uint8Array(0))).toBeUndefined();
    expect(parseEapTls(Uint8Array.of(0x80, 0, 0, 1))).toBeUndefined();
  });
});
