import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { equalBytes } from '../../../core/bytes/bytes.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  CODE,
  firstOf,
  hidePassword,
  octets,
  openReply,
  parsePacket,
  type RadiusPacket,
  revealPassword,
  sealReply,
  writePacket,
} from '../../../plugins/radius/wire/index.ts';

const secret = asciiBytes('xyzzy5461');
const nas = parseIpv4('192.168.1.16') ?? expect.fail();

/** RFC 2865 section 7. */
const TELNET_REQUEST = `01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d
  93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03`;
const TELNET_ACCEPT = `02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00
  0e 06 c0 a8 01 03`;
const CHAP_REQUEST = `01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79 03 13 16 e9
  75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01`;
const CHAP_ACCEPT = `02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02 07 06 00 00 00 01
  08 06 ff ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc`;
const CARD_REQUEST = `01 02 00 39 f3 a4 7a 1f 6a 6d 76 71 0b 94 7a b9 30 41 a0 39 01 07 6d 6f 70 73 79 02 12 33 65 75
  73 77 82 89 b5 70 88 5e 15 08 48 25 c5 04 06 c0 a8 01 10 05 06 00 00 00 07`;
const CARD_CHALLENGE = `0b 02 00 4e 36 f3 c8 76 4a e8 c7 11 57 40 3c 0c 71 ff 9c 45 12 30 43 68 61 6c 6c 65 6e 67 65 20
  33 32 37 36 39 34 33 30 2e 20 20 45 6e 74 65 72 20 72 65 73 70 6f 6e 73 65 20 61 74 20 70 72 6f 6d 70 74 2e
  18 0a 33 32 37 36 39 34 33 30`;
const CARD_ANSWER = `01 03 00 43 b1 22 55 6d 42 8a 13 d0 d6 25 38 07 c4 57 ec f0 01 07 6d 6f 70 73 79 02 12 69 2c 1f
  20 5f c0 81 b9 19 b9 51 95 f5 61 a5 81 04 06 c0 a8 01 10 05 06 00 00 00 07 18 0a 33 32 37 36 39 34 33 30`;

const packetOf = (hex: string): RadiusPacket => {
  const packet = parsePacket(fromHex(hex));
  return typeof packet === 'string' ? expect.fail(packet) : packet;
};
const plain = (hex: string): string => hex.replace(/\s/g, '');
/** These examples are older than Message-Authenticator. */
const written = (code: number, identifier: number, authenticator: Uint8Array, attributes: readonly Attribute[]) =>
  toHex(writePacket({ code, identifier, authenticator, attributes }) ?? expect.fail());
const hidden = (password: string, authenticator: Uint8Array): Attribute =>
  octets(ATTRIBUTE.userPassword, hidePassword(asciiBytes(password), secret, authenticator) ?? expect.fail());

describe('RFC 2865 section 7', () => {
  it('7.1: a user telnets to a given host', () => {
    const { authenticator } = packetOf(TELNET_REQUEST);
    const request = written(CODE.accessRequest, 0, authenticator, [
      attribute(ATTRIBUTE.userName, 'nemo'),
      hidden('arctangent', authenticator),
      attribute(ATTRIBUTE.nasIpAddress, nas),
      attribute(ATTRIBUTE.nasPort, 3),
    ]);
    expect(request).toBe(plain(TELNET_REQUEST));
    const reply = sealReply(
      {
        code: CODE.accessAccept,
        identifier: 0,
        attributes: [
          attribute(ATTRIBUTE.serviceType, 1),
          attribute(ATTRIBUTE.loginService, 0),
          attribute(ATTRIBUTE.loginIpHost, parseIpv4('192.168.1.3') ?? expect.fail()),
        ],
      },
      authenticator,
      secret,
      false,
    );
    expect(toHex(reply ?? expect.fail())).toBe(plain(TELNET_ACCEPT));
  });

  it('7.1: the password is found again', () => {
    const { authenticator, attributes } = packetOf(TELNET_REQUEST);
    const value = firstOf(attributes, ATTRIBUTE.userPassword) ?? expect.fail();
    expect(revealPassword(value, secret, authenticator)).toEqual(asciiBytes('arctangent'));
  });

  it('7.2: a framed user with CHAP', () => {
    const { authenticator } = packetOf(CHAP_REQUEST);
    const request = written(CODE.accessRequest, 1, authenticator, [
      attribute(ATTRIBUTE.userName, 'flopsy'),
      attribute(ATTRIBUTE.chapPassword, fromHex('16e97557c316185895f293ff6344077275')),
      attribute(ATTRIBUTE.nasIpAddress, nas),
      attribute(ATTRIBUTE.nasPort, 20),
      attribute(ATTRIBUTE.serviceType, 2),
      attribute(ATTRIBUTE.framedProtocol, 1),
    ]);
    expect(request).toBe(plain(CHAP_REQUEST));
    const accept = openReply(fromHex(CHAP_ACCEPT), authenticator, secret, false);
    if (typeof accept === 'string') return expect.fail(accept);
    expect(firstOf(accept.attributes, ATTRIBUTE.framedIpAddress)).toBe(0xfffffffe);
    expect(firstOf(accept.attributes, ATTRIBUTE.framedMtu)).toBe(1500);
    return undefined;
  });

  it('7.3: a challenge and its answer', () => {
    const { authenticator } = packetOf(CARD_REQUEST);
    const challenge = openReply(fromHex(CARD_CHALLENGE), authenticator, secret, false);
    if (typeof challenge === 'string') return expect.fail(challenge);
    expect(challenge.code).toBe(CODE.accessChallenge);
    expect(firstOf(challenge.attributes, ATTRIBUTE.replyMessage)).toBe(
      'Challenge 32769430.  Enter response at prompt.',
    );
    const state = firstOf(challenge.attributes, ATTRIBUTE.state) ?? expect.fail();
    const second = packetOf(CARD_ANSWER);
    const answer = written(CODE.accessRequest, 3, second.authenticator, [
      attribute(ATTRIBUTE.userName, 'mopsy'),
      hidden('99101462', second.authenticator),
      attribute(ATTRIBUTE.nasIpAddress, nas),
      attribute(ATTRIBUTE.nasPort, 7),
      attribute(ATTRIBUTE.state, state),
    ]);
    // The dump in the RFC names a length of 16 for State, which is a mistake: its text and Length say 10.
    expect(answer).toBe(plain(CARD_ANSWER));
    return undefined;
  });

  it('a reply that is changed anywhere, or made with another secret, is not believed', () => {
    const { authenticator } = packetOf(TELNET_REQUEST);
    const accept = fromHex(TELNET_ACCEPT);
    for (let at = 0; at < accept.length; at += 1) {
      const changed = accept.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const found = openReply(changed, authenticator, secret, false);
      expect(typeof found, `octet ${at}`).toBe('string');
    }
    expect(openReply(accept, authenticator, asciiBytes('other'), false)).toBe('bad-authenticator');
    expect(openReply(accept, authenticator, secret, true)).toBe('no-message-authenticator');
    expect(equalBytes(accept, fromHex(TELNET_ACCEPT))).toBe(true);
  });
});
