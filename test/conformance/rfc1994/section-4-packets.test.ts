import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { toHex } from '../../../core/bytes/hex.ts';
import { chapMd5Response, checkChapMd5Response } from '../../../core/crypto/chap-md5.ts';
import type { AuthVerdict } from '../../../core/ports/auth.ts';
import { type ChapPacket, parseChap, writeChap } from '../../../core/wire/chap.ts';
import { chapMd5Method } from '../../../plugins/auth-chap-md5/index.ts';
import { msChapV1Method } from '../../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { asAuthenticator, asPeer, driving, kinds, sent } from '../../support/auth-dialogue.ts';

const CHAP = 0xc223;
const SECRET = asciiBytes('clientPass');
const GRANTED: AuthVerdict = { ok: true, identity: 'vpnuser', profile: {}, grant: {} };

const challengeOf = (bytes: Uint8Array): Extract<ChapPacket, { kind: 'challenge' }> => {
  const packet = parseChap(bytes);
  if (packet?.kind !== 'challenge') throw new Error('no Challenge');
  return packet;
};

describe('4.1 Challenge and Response', () => {
  test('the Response Value is MD5 over identifier, secret and challenge', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array(), fc.uint8Array(), (identifier, secret, challenge) => {
        const oracle = createHash('md5').update(Uint8Array.of(identifier)).update(secret).update(challenge);
        expect(toHex(chapMd5Response(identifier, secret, challenge))).toBe(oracle.digest('hex'));
      }),
    );
    const challenge = new Uint8Array(16);
    const response = chapMd5Response(1, SECRET, challenge);
    expect(checkChapMd5Response(1, SECRET, challenge, response)).toBe(true);
    expect(checkChapMd5Response(2, SECRET, challenge, response)).toBe(false);
  });

  test('a Challenge MUST be sent again until a valid Response comes or a retry counter expires', () => {
    const { start, pass } = driving(asAuthenticator(chapMd5Method()), CHAP);
    const first = sent(start());
    expect(challengeOf(first)).toMatchObject({ name: 'gw' });
    expect(challengeOf(first).value).toHaveLength(16);
    for (let n = 1; n <= 9; n += 1) expect(sent(pass(3000 * n))).toEqual(first);
    expect(pass(30_000)).toEqual([{ kind: 'reject', identity: '', denial: 'timeout' }]);
  });

  test.each([
    [chapMd5Method(), 16],
    [msChapV1Method(), 49],
    [msChapV2Method(), 49],
  ] as const)('a Challenge that was answered is not sent again: $name', (method, length) => {
    const { start, feed, pass, judge } = driving(asAuthenticator(method), CHAP);
    const first = challengeOf(sent(start()));
    expect(challengeOf(sent(pass(3_000)))).toEqual(first);
    const { identifier } = first;
    // The last octet of MS-CHAPv1 says that the NT response is there.
    const value = new Uint8Array(length).fill(1, length - 1);
    const response = (id: number): Uint8Array =>
      writeChap({ kind: 'response', identifier: id, value, name: 'vpnuser' });
    expect(kinds(feed(response(identifier), 3_100))).toEqual(['verify']);
    for (let ms = 6_000; ms <= 60_000; ms += 3_000) expect(pass(ms)).toEqual([]);
    expect(kinds(judge({ ok: false, denial: 'bad-credentials' }, 60_000)).slice(0, 2)).toEqual([
      'send',
      'attempt-failed',
    ]);
    for (let ms = 63_000; ms < 120_000; ms += 3_000) expect(pass(ms)).toEqual([]);
    // Where there is a retry, it answers another challenge with the next identifier.
    const again = feed(response((identifier + 1) & 255), 119_000)[0];
    if (again !== undefined) {
      if (again.kind !== 'verify') throw new Error('no question');
      const { request } = again;
      const asked = 'authenticatorChallenge' in request ? request.authenticatorChallenge : undefined;
      expect(asked ?? ('challenge' in request ? request.challenge : undefined)).not.toEqual(first.value);
    }
  });

  test('each new Challenge is answered with its identifier', () => {
    const { feed } = driving(asPeer(chapMd5Method(), 'clientPass'), CHAP);
    for (const identifier of [1, 2]) {
      const value = new Uint8Array(7).fill(identifier);
      const response = parseChap(sent(feed(writeChap({ kind: 'challenge', identifier, value, name: 'srv' }))));
      expect(response).toEqual({
        kind: 'response',
        identifier,
        value: chapMd5Response(identifier, SECRET, value),
        name: 'vpnuser',
      });
    }
    expect(feed(writeChap({ kind: 'challenge', identifier: 3, value: new Uint8Array(0), name: '' }))).toEqual([]);
  });
});

describe('4.2 Success and Failure', () => {
  const response = (identifier: number, length = 16): Uint8Array =>
    writeChap({ kind: 'response', identifier, value: new Uint8Array(length), name: 'vpnuser' });

  test('a Response that comes again gets the same reply, also when the link is up', () => {
    const { start, feed, judge } = driving(asAuthenticator(chapMd5Method()), CHAP);
    const { identifier } = challengeOf(sent(start()));
    expect(feed(response(identifier))).toMatchObject([{ kind: 'verify', method: 'chap-md5', request: { identifier } }]);
    const success = judge(GRANTED);
    expect(kinds(success)).toEqual(['send', 'accept']);
    expect(success[1]).toEqual({ kind: 'accept', identity: 'vpnuser', profile: {} });
    expect(parseChap(sent(success))).toMatchObject({ kind: 'success', identifier });
    expect(feed(response(identifier), 99_000)).toEqual([success[0]]);
  });

  test('a Failure ends it: no retry', () => {
    const { start, feed, judge } = driving(asAuthenticator(chapMd5Method()), CHAP);
    const { identifier } = challengeOf(sent(start()));
    feed(response(identifier));
    const failure = judge({ ok: false, denial: 'bad-credentials' });
    expect(kinds(failure)).toEqual(['send', 'attempt-failed', 'reject']);
    expect(feed(response((identifier + 1) & 255))).toEqual([]);
  });

  test('wrong identifiers, wrong sizes and other codes are silently discarded', () => {
    const { start, feed } = driving(asAuthenticator(chapMd5Method()), CHAP);
    const { identifier } = challengeOf(sent(start()));
    const change = writeChap({ kind: 'other', code: 7, identifier, data: new Uint8Array(582) });
    for (const bytes of [response(identifier + 1), response(identifier, 15), response(identifier, 49), change]) {
      expect(feed(bytes)).toEqual([]);
    }
    expect(kinds(feed(response(identifier)))).toEqual(['verify']);
  });

  test('the peer takes Success and Failure for its own Response only', () => {
    const peer = asPeer(chapMd5Method(), 'clientPass');
    const { feed } = driving(peer, CHAP);
    feed(writeChap({ kind: 'challenge', identifier: 5, value: Uint8Array.of(1), name: '' }));
    expect(feed(writeChap({ kind: 'success', identifier: 4, message: '' }))).toEqual([]);
    expect(feed(writeChap({ kind: 'success', identifier: 5, message: '' }))).toEqual([
      { kind: 'accept', identity: 'vpnuser', profile: {} },
    ]);
    expect(kinds(feed(writeChap({ kind: 'failure', identifier: 5, message: '' })))).toEqual([
      'attempt-failed',
      'reject',
    ]);
  });
});
