import { describe, expect, test } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import type { AuthVerdict } from '../../../core/ports/auth.ts';
import { type PapPacket, parsePap, writePap } from '../../../core/wire/pap.ts';
import { papMethod } from '../../../plugins/auth-pap/index.ts';
import { asAuthenticator, asPeer, driving, kinds, sent } from '../../support/auth-dialogue.ts';

const PAP = 0xc023;
const REQUEST: PapPacket = { kind: 'request', identifier: 7, peerId: 'joe', password: asciiBytes('pw') };
const GRANTED: AuthVerdict = { ok: true, identity: 'joe', profile: {}, grant: {} };

describe('2.2.1, 2.2.2 packets', () => {
  test.each<[string, PapPacket]>([
    ['0107000b036a6f65027077', REQUEST],
    ['010000060000', { kind: 'request', identifier: 0, peerId: '', password: new Uint8Array(0) }],
    ['0207000a0548656c6c6f', { kind: 'ack', identifier: 7, message: 'Hello' }],
    ['0307000500', { kind: 'nak', identifier: 7, message: '' }],
  ])('%s', (hex, packet) => {
    expect(parsePap(fromHex(hex))).toEqual(packet);
    expect(toHex(writePap(packet))).toBe(hex);
  });

  test('octets outside the Length field are padding', () => {
    expect(parsePap(fromHex('0107000b036a6f65027077ffff'))).toEqual(REQUEST);
  });

  test('an answer without Msg-Length, as some send it, has no message', () => {
    expect(parsePap(fromHex('02070004'))).toEqual({ kind: 'ack', identifier: 7, message: '' });
  });

  test('every truncation and every other code is no packet', () => {
    const whole = writePap(REQUEST);
    for (let length = 0; length < whole.length; length += 1) {
      expect(parsePap(whole.subarray(0, length))).toBeUndefined();
      const short = whole.slice(0, length);
      if (length > 3) short[3] = length;
      expect(parsePap(short)).toBeUndefined();
    }
    for (const code of [0, 4, 255]) expect(parsePap(fromHex('0007000400').with(0, code))).toBeUndefined();
  });
});

describe('2.2.1 Authenticate-Request', () => {
  test('MUST be repeated until a reply comes, with an identifier changed each time', () => {
    const peer = asPeer(papMethod(), 'pw');
    const { start, pass, feed } = driving(peer, PAP);
    const first = parsePap(sent(start()));
    expect(first).toEqual({ kind: 'request', identifier: 0x90, peerId: 'vpnuser', password: asciiBytes('pw') });
    for (let n = 1; n <= 9; n += 1) {
      expect(peer.nextTimeout()).toBe(3000 * n);
      expect(parsePap(sent(pass(3000 * n)))).toEqual({ ...first, identifier: 0x90 + n });
    }
    // The answer to an earlier copy counts; one to a request never made does not.
    expect(feed(writePap({ kind: 'ack', identifier: 0x9a, message: '' }))).toEqual([]);
    expect(feed(writePap({ kind: 'ack', identifier: 0x91, message: 'hi' }))).toEqual([
      { kind: 'accept', identity: 'vpnuser', profile: {} },
    ]);
    expect(peer.nextTimeout()).toBeUndefined();
  });

  test('an optional retry counter expires', () => {
    const { start, pass } = driving(asPeer(papMethod(), 'pw'), PAP);
    start();
    for (let n = 1; n <= 9; n += 1) pass(3000 * n);
    expect(pass(30_000)).toEqual([{ kind: 'reject', identity: 'vpnuser', denial: 'timeout' }]);
  });

  test('the authenticator MUST allow repeated requests afterwards and return the same code', () => {
    const { start, feed, judge } = driving(asAuthenticator(papMethod()), PAP);
    start();
    expect(feed(writePap(REQUEST))).toMatchObject([
      { kind: 'verify', method: 'pap', request: { userName: 'joe', password: asciiBytes('pw') } },
    ]);
    // A copy while the back-end thinks: its identifier is the one to answer.
    expect(feed(writePap({ ...REQUEST, identifier: 8 }))).toEqual([]);
    const done = judge(GRANTED);
    expect(parsePap(sent(done))).toMatchObject({ kind: 'ack', identifier: 8 });
    expect(kinds(done)).toEqual(['send', 'accept']);
    for (const identifier of [7, 8, 9]) {
      const again = feed(writePap({ ...REQUEST, identifier }));
      expect(kinds(again)).toEqual(['send']);
      expect(parsePap(sent(again))).toMatchObject({ kind: 'ack', identifier });
    }
  });

  test('a Nak for a pair that is not acceptable, then the link is terminated', () => {
    const { start, feed, judge } = driving(asAuthenticator(papMethod()), PAP);
    start();
    feed(writePap(REQUEST));
    const refused = judge({ ok: false, denial: 'bad-credentials' });
    expect(parsePap(sent(refused))).toMatchObject({ kind: 'nak', identifier: 7, message: expect.stringMatching(/./) });
    expect(refused.slice(1)).toEqual([
      { kind: 'attempt-failed', identity: 'joe', denial: 'bad-credentials', retriesLeft: 0 },
      { kind: 'reject', identity: 'joe', denial: 'bad-credentials' },
    ]);
    expect(parsePap(sent(feed(writePap({ ...REQUEST, identifier: 8 }))))).toMatchObject({ kind: 'nak', identifier: 8 });
  });
});
