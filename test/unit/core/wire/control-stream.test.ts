import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../../core/bytes/bytes.ts';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { ControlStream } from '../../../../core/wire/control-stream.ts';
import type { PptpMessage } from '../../../../core/wire/pptp-message.ts';
import { CONTROL_VECTORS } from '../../../vectors/rfc2637-control-messages.ts';

const all = concatBytes(...CONTROL_VECTORS.map((v) => fromHex(v.hex)));
const messages = CONTROL_VECTORS.map((v) => v.message);
const echo = fromHex('0010 0001 1a2b3c4d 0005 0000 00000001');

const collect = (chunks: readonly Uint8Array[]) => {
  const stream = new ControlStream();
  const seen: PptpMessage[] = [];
  let fault: string | undefined;
  for (const chunk of chunks) fault = stream.receive(chunk, (message) => seen.push(message) > 0);
  return { stream, seen, fault };
};

describe('ControlStream', () => {
  test('all messages in one segment', () => {
    expect(collect([all]).seen).toEqual(messages);
  });

  test('one octet a segment', () => {
    expect(collect(Array.from(all, (octet) => Uint8Array.of(octet))).seen).toEqual(messages);
  });

  test('an empty segment changes nothing', () => {
    const { seen, fault, stream } = collect([new Uint8Array(0), echo.subarray(0, 5), new Uint8Array(0)]);
    expect([seen, fault, stream.buffered]).toEqual([[], undefined, 5]);
  });

  test('what a segment is made of may change after it was given', () => {
    const stream = new ControlStream();
    const seen: PptpMessage[] = [];
    const first = echo.slice(0, 14);
    stream.receive(first, () => true);
    first.fill(0xff);
    stream.receive(echo.subarray(14), (message) => seen.push(message) > 0);
    expect(seen).toEqual([{ kind: 'echo-request', identifier: 1 }]);
  });

  test.each([
    ['zero length at once, with two octets', '0000', 'bad-length'],
    ['a length that no message has', '000c', 'bad-length'],
    ['a web browser', '474554202f20485454502f312e310d0a', 'bad-length'],
    ['a management message with four octets', '00100002', 'bad-message-type'],
    ['a wrong magic cookie with eight octets', '001000011a2b3c4e', 'bad-magic'],
    ['an unknown type with ten octets', '001000011a2b3c4d00ff', 'bad-control-type'],
    ['the length of another type with ten octets', '009c00011a2b3c4d0005', 'bad-length'],
  ])('%s', (_, hex, fault) => {
    expect(collect([fromHex(hex)]).fault).toBe(fault);
  });

  test('nothing is read after a fault, not even a good message', () => {
    const { seen, fault, stream } = collect([concatBytes(echo, fromHex('0000')), echo, echo]);
    expect(seen).toHaveLength(1);
    expect(fault).toBe('bad-length');
    expect(stream.buffered).toBeLessThanOrEqual(2);
  });

  test('the receiver of messages can stop in the middle of a segment', () => {
    const stream = new ControlStream();
    const seen: PptpMessage[] = [];
    stream.receive(concatBytes(echo, echo, echo), (message) => seen.push(message) < 2);
    expect(seen).toHaveLength(2);
  });
});
