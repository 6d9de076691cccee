import { describe, expect, test } from 'vitest';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { parsePptpMessage, writePptpMessage } from '../../../../core/wire/pptp-message.ts';
import { describeResult, resultName } from '../../../../core/wire/pptp-message-codes.ts';
import { readText, textBeforeNul } from '../../../../core/wire/pptp-message-fields.ts';
import { CONTROL_VECTORS } from '../../../vectors/rfc2637-control-messages.ts';

const echo = fromHex('0010 0001 1a2b3c4d 0005 0000 00000001');
const changed = (at: number, value: number): Uint8Array => {
  const out = echo.slice();
  out[at] = value;
  return out;
};

describe('parsePptpMessage', () => {
  test('every shorter prefix of every message is truncated', () => {
    for (const { hex } of CONTROL_VECTORS) {
      const bytes = fromHex(hex);
      for (let length = 0; length < bytes.length; length += 1) {
        expect(parsePptpMessage(bytes.subarray(0, length))).toBe('truncated');
      }
    }
  });

  test('octets after the message are left alone', () => {
    expect(parsePptpMessage(Uint8Array.of(...echo, 1, 2, 3))).toEqual({ kind: 'echo-request', identifier: 1 });
  });

  test.each([
    ['zero length', changed(1, 0), 'bad-length'],
    ['length of another message type', changed(1, 20), 'bad-length'],
    ['length above every message', changed(0, 0xff), 'bad-length'],
    ['management message', changed(3, 2), 'bad-message-type'],
    ['magic cookie', changed(4, 0x1b), 'bad-magic'],
    ['magic cookie, last octet', changed(7, 0x4c), 'bad-magic'],
    ['control message type 0', changed(9, 0), 'bad-control-type'],
    ['control message type 16', changed(9, 16), 'bad-control-type'],
    ['control message type 0x0105', changed(8, 1), 'bad-control-type'],
  ])('%s', (_, bytes, fault) => {
    expect(parsePptpMessage(bytes)).toBe(fault);
  });

  test('unknown result and error codes are kept', () => {
    const message = { kind: 'echo-reply', identifier: 7, resultCode: 200, errorCode: 99 } as const;
    expect(parsePptpMessage(writePptpMessage(message))).toEqual(message);
  });
});

describe('text fields', () => {
  const request = (subaddress: string) =>
    ({
      kind: 'outgoing-call-request',
      callId: 1,
      callSerialNumber: 2,
      minimumBps: 0,
      maximumBps: 0,
      bearerType: 0,
      framingType: 0,
      packetReceiveWindow: 0,
      packetProcessingDelay: 0,
      phoneNumberLength: 0,
      phoneNumber: '',
      subaddress,
    }) as const;

  test("a binary GUID with zeros inside, as Windows' Subaddress has, survives", () => {
    const guid = '\x01\0\xff\x80\0\0\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0';
    expect(parsePptpMessage(writePptpMessage(request(guid)))).toEqual(request(guid));
  });

  test('64 octets fill the field, more are cut, and nothing runs into the next field', () => {
    const full = 'x'.repeat(64);
    expect(parsePptpMessage(writePptpMessage(request(full)))).toEqual(request(full));
    expect(parsePptpMessage(writePptpMessage(request(`${full}yz`)))).toEqual(request(full));
    expect(writePptpMessage({ ...request(''), phoneNumber: `${full}yz` }).subarray(104)).toEqual(new Uint8Array(64));
  });

  test('what cannot be one octet becomes a question mark', () => {
    expect(parsePptpMessage(writePptpMessage(request('a€b')))).toEqual(request('a?b'));
  });

  test('a name is read up to its first zero', () => {
    expect(textBeforeNul('host\0rubbish')).toBe('host');
    expect(textBeforeNul('host')).toBe('host');
    expect(readText(new Uint8Array(64), 0, 64)).toBe('');
  });
});

describe('result codes in words', () => {
  test.each([
    ['start', 5, 0, 'version-not-supported'],
    ['outgoing', 2, 4, 'general-error, error 4 no-resource'],
    ['disconnect', 0, 0, 'unspecified'],
    ['disconnect', 77, 88, 'unknown code 77, error 88 unknown'],
    ['stopReason', 2, 0, 'stop-protocol'],
  ] as const)('%s %i/%i', (family, result, error, words) => {
    expect(describeResult(family, result, error)).toBe(words);
  });

  test('an unknown code has no name', () => {
    expect(resultName('incoming', 0)).toBeUndefined();
    expect(resultName('incoming', 4)).toBeUndefined();
    expect(resultName('incoming', 3)).toBe('do-not-accept');
  });
});
