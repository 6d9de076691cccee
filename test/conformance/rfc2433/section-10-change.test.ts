import { expect, test } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { parseChap, writeChap } from '../../../core/wire/chap.ts';
import {
  parseMsChapV1Change,
  parseMsChapV1Response,
  writeMsChapV1Change,
  writeMsChapV1Response,
} from '../../../core/wire/ms-chap.ts';
import { msChapV1Method } from '../../../plugins/auth-ms-chap-v1/index.ts';
import { asAuthenticator, asPeer, driving, kinds, sent, talk } from '../../support/auth-dialogue.ts';
import { OneUser } from '../../support/one-user.ts';

const CHAP = 0xc223;
const octets = (octet: number, count: number): string => octet.toString(16).padStart(2, '0').repeat(count);

test('section 6: 49 octets, the LAN Manager part zero, the flag set', () => {
  const value = writeMsChapV1Response(new Uint8Array(24).fill(9));
  expect(toHex(value)).toBe(octets(0, 24) + octets(9, 24) + octets(1, 1));
  expect(parseMsChapV1Response(value)).toEqual({ ntResponse: new Uint8Array(24).fill(9), useNt: true });
  expect(parseMsChapV1Response(value.with(48, 0))?.useNt).toBe(false);
  for (const length of [0, 48, 50]) expect(parseMsChapV1Response(new Uint8Array(length))).toBeUndefined();
});

test('section 10: 1118 octets, the LAN Manager fields zero, the flag in the last octet', () => {
  const change = {
    encryptedPassword: new Uint8Array(516).fill(1),
    encryptedHash: new Uint8Array(16).fill(2),
    ntResponse: new Uint8Array(24).fill(3),
  };
  const data = writeMsChapV1Change(change);
  expect(toHex(data)).toBe(
    octets(1, 516) + octets(2, 16) + octets(0, 556) + octets(3, 24) + octets(0, 1) + octets(1, 1),
  );
  const packet = writeChap({ kind: 'other', code: 6, identifier: 1, data });
  expect(packet).toHaveLength(1118);
  expect(toHex(packet.subarray(0, 4))).toBe('0601045e');
  expect(parseMsChapV1Change(data)).toEqual({ ...change, useNt: true });
  expect(parseMsChapV1Change(data.with(1113, 2))?.useNt).toBe(false);
  for (const length of [0, 1113, 1115]) expect(parseMsChapV1Change(new Uint8Array(length))).toBeUndefined();
});

test('B.1.5: password change with the first challenge, and keys of the new password', () => {
  const user = new OneUser('clientPass', true);
  const method = msChapV1Method();
  const { frames, outcomes } = talk(asAuthenticator(method), asPeer(method, 'clientPass', 'newPass'), user.verify);
  expect(frames.map((frame) => frame.slice(0, frame.indexOf(' ') + 5))).toEqual([
    'authenticator 0140',
    'peer 0240',
    'authenticator 0440',
    'peer 0641',
    'authenticator 0341',
  ]);
  const failure = frames[2]?.split(' ')[1] ?? '';
  expect(Buffer.from(failure.slice(8), 'hex').toString()).toMatch(/^E=648 R=0 V=2 M=/);
  expect(user.password).toBe('newPass');
  const { authenticator, peer } = outcomes;
  if (authenticator?.kind !== 'accept' || peer?.kind !== 'accept') throw new Error('not in');
  expect(authenticator.keys).toEqual(peer.keys);
  expect(peer.keys?.send).toEqual(peer.keys?.receive);
});

const refusedOnce = (denial: 'bad-credentials' | 'expired') => {
  const server = driving(asAuthenticator(msChapV1Method()), CHAP);
  const challenge = parseChap(sent(server.start()));
  if (challenge?.kind !== 'challenge') throw new Error('no Challenge');
  const response = (identifier: number, flags = 1): Uint8Array =>
    writeChap({ kind: 'response', identifier, value: new Uint8Array(49).with(48, flags), name: 'BIGCO\\johndoe' });
  server.feed(response(0x40));
  const refused = server.judge({ ok: false, denial });
  return { server, challenge: challenge.value, response, refused };
};

test('B.1.3, B.1.4: a retry answers the challenge plus 23 in its first octet, a third one plus 46', () => {
  const { server, challenge, response, refused } = refusedOnce('bad-credentials');
  const failure = parseChap(sent(refused));
  expect(failure?.kind === 'failure' ? failure.message : '').toMatch(/^E=691 R=1 V=2 M=/);
  const expected = (step: number): Uint8Array => challenge.with(0, ((challenge[0] ?? 0) + step) & 255);
  expect(server.feed(response(0x41))).toMatchObject([{ kind: 'verify', request: { challenge: expected(23) } }]);
  server.judge({ ok: false, denial: 'bad-credentials' });
  expect(server.feed(response(0x42))).toMatchObject([{ kind: 'verify', request: { challenge: expected(46) } }]);
  const last = server.judge({ ok: false, denial: 'bad-credentials' });
  expect(kinds(last)).toEqual(['send', 'attempt-failed', 'reject']);
  const end = parseChap(sent(last));
  expect(end?.kind === 'failure' ? end.message : '').toMatch(/^E=691 R=0/);
});

test('section 6: a LAN Manager response is refused without asking anybody', () => {
  const server = driving(asAuthenticator(msChapV1Method()), CHAP);
  server.start();
  const value = new Uint8Array(49).fill(7, 0, 24);
  const refused = server.feed(writeChap({ kind: 'response', identifier: 0x40, value, name: 'u' }));
  expect(refused.slice(1)).toEqual([
    { kind: 'attempt-failed', identity: 'u', denial: 'proof-refused', retriesLeft: 0 },
    { kind: 'reject', identity: 'u', denial: 'proof-refused' },
  ]);
  const failure = parseChap(sent(refused));
  expect(failure?.kind === 'failure' ? failure.message : '').toMatch(/^E=691 R=0 V=2 M=LAN Manager/);
});

test('section 9: Change Password version 1, and version 2 with LAN Manager fields only, are refused', () => {
  const lanManagerOnly = new Uint8Array(1114);
  for (const [code, data] of [
    [5, new Uint8Array(68)],
    [6, lanManagerOnly],
  ] as const) {
    const { server } = refusedOnce('expired');
    const refused = server.feed(writeChap({ kind: 'other', code, identifier: 0x41, data }));
    expect(kinds(refused)).toEqual(['send', 'attempt-failed', 'reject']);
    expect(refused.at(-1)).toMatchObject({ denial: 'proof-refused', identity: 'BIGCO\\johndoe' });
  }
});

test('section 8: a peer with a new password does not send it to an authenticator of version 1', () => {
  const client = driving(asPeer(msChapV1Method(), 'clientPass', 'newPass'), CHAP);
  const challenge = writeChap({ kind: 'challenge', identifier: 3, value: new Uint8Array(8), name: '' });
  client.feed(challenge);
  expect(client.feed(writeChap({ kind: 'failure', identifier: 3, message: 'E=648 R=0 V=1' })).at(-1)).toMatchObject({
    kind: 'reject',
    denial: 'expired',
  });
});

test('B.1.6: a retry, then a change of password, which answers the challenge of the retry', () => {
  const { server, challenge, response } = refusedOnce('bad-credentials');
  server.feed(response(0x41));
  const expired = server.judge({ ok: false, denial: 'expired' });
  expect(kinds(expired)).toEqual(['send', 'attempt-failed']);
  const data = new Uint8Array(1114).with(1113, 1);
  expect(server.feed(writeChap({ kind: 'other', code: 6, identifier: 0x42, data }))).toMatchObject([
    {
      kind: 'verify',
      method: 'ms-chap-v1-change',
      request: { userName: 'BIGCO\\johndoe', challenge: challenge.with(0, ((challenge[0] ?? 0) + 23) & 255) },
    },
  ]);
});
