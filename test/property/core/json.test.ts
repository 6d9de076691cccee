import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asciiText } from '../../../core/bytes/ascii.ts';
import { fromBase64, toBase64 } from '../../../core/bytes/base64.ts';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { utf8Bytes, utf8Text } from '../../../core/bytes/utf8.ts';
import { ntPasswordHash } from '../../../core/crypto/ms-chap-v2.ts';
import { Session } from '../../../core/datapath/session.ts';
import { answerJson, readAnswer, type ServiceAnswer, settleAnswer } from '../../../core/json/answer-json.ts';
import { profileJson, readProfile } from '../../../core/json/profile-json.ts';
import { JSON_KINDS, nameText, questionJson } from '../../../core/json/proof-json.ts';
import { parseJson } from '../../../core/json/read.ts';
import { callId, sessionId } from '../../../core/ports/ids.ts';
import type { UserProfile } from '../../../core/ports/profile.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const line = (most: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: most })
    .filter((text) => text.length <= most && !/\p{Cc}/u.test(text));
const address = fc.nat(0xffffffff).map(ipv4);
const network = fc.tuple(fc.nat(0xffffffff), fc.nat(32)).map(([value, prefixLength]) => ({
  network: ipv4(prefixLength === 0 ? 0 : value & (0xffffffff << (32 - prefixLength))),
  prefixLength,
}));
const seconds = fc.nat(0x7fffffff);
const rate = fc.record(
  { bitsPerSecond: fc.integer({ min: 1, max: 1e12 }), burstOctets: fc.integer({ min: 1, max: 2 ** 32 }) },
  { requiredKeys: ['bitsPerSecond'] },
);
const strengths = fc.array(fc.constantFrom(40 as const, 56 as const, 128 as const), { minLength: 1, maxLength: 3 });
const bits = fc.nat(0xffffffff);

const profile: fc.Arbitrary<UserProfile> = fc.record(
  {
    address,
    pool: line(64),
    idleSeconds: seconds,
    sessionSeconds: seconds,
    routes: fc.array(network, { maxLength: 16 }),
    rate: fc.record({ up: rate, down: rate }, { requiredKeys: [] }),
    quotaOctets: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    interimSeconds: seconds,
    classes: fc.array(fc.uint8Array({ maxLength: 253 }), { maxLength: 8 }),
    filter: line(64),
    dns: fc.array(address, { maxLength: 2 }),
    wins: fc.array(address, { maxLength: 2 }),
    mtu: fc.integer({ min: 68, max: 65535 }),
    encryption: fc.record({ required: fc.boolean(), strengths }, { requiredKeys: ['required'] }),
    ipv6Prefix: fc.record({ high: bits, low: bits }),
    message: line(253),
  },
  { requiredKeys: [] },
);

/** Over the wire: what a service sees, and what comes back. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a profile is read back as it was written', () => {
  fc.assert(
    fc.property(profile, (one) => {
      expect(readProfile(sent(profileJson(one)), 'profile')).toEqual({ ok: true, value: one });
    }),
  );
});

const identity = line(255);
const authenticatorResponse = bytes(20).map((octets) => `S=${Buffer.from(octets).toString('hex').toUpperCase()}`);
const keys = fc.record({ send: bytes(16), receive: bytes(16), strengths }, { requiredKeys: ['send', 'receive'] });
const answer: fc.Arbitrary<ServiceAnswer<'ms-chap-v2'>> = fc.oneof(
  fc.record(
    { result: fc.constant('accept' as const), identity, profile, grant: fc.record({ authenticatorResponse, keys }) },
    { requiredKeys: ['result', 'profile', 'grant'] },
  ),
  fc.record(
    {
      result: fc.constant('secret' as const),
      identity,
      profile,
      secrets: fc.oneof(
        fc.record({ ntHash: bytes(16) }),
        fc.string({ minLength: 1 }).map((password) => ({ ntHash: ntPasswordHash(password), password })),
      ),
      denial: fc.constantFrom('expired' as const, 'locked' as const),
    },
    { requiredKeys: ['result', 'profile', 'secrets'] },
  ),
  fc.record({
    result: fc.constant('reject' as const),
    denial: fc.constantFrom('bad-credentials' as const, 'locked' as const, 'unavailable' as const),
  }),
  fc.constant({ result: 'unknown-user' as const }),
);

test('an answer is read back as it was written', () => {
  fc.assert(
    fc.property(answer, (one) => {
      expect(readAnswer('ms-chap-v2', sent(answerJson(one)))).toEqual({ ok: true, value: one });
    }),
  );
});

const kind = fc.constantFrom(...JSON_KINDS);
const request = fc.record({
  userName: fc.uint8Array({ maxLength: 40 }).map(asciiText),
  authenticatorChallenge: bytes(16),
  peerChallenge: bytes(16),
  ntResponse: bytes(24),
});

/** Anything, and things that are nearly answers. */
const anyAnswer = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true }),
  fc.jsonValue(),
  fc.tuple(answer, fc.string(), fc.jsonValue()).map(([one, name, value]) => ({ ...answerJson(one), [name]: value })),
  fc
    .tuple(answer, fc.constantFrom('result', 'profile', 'grant', 'denial', 'ntHash', 'version'), fc.jsonValue())
    .map(([one, name, value]) => ({ ...answerJson(one), [name]: value })),
);

test('any value is an answer or a complaint, and any answer can be settled; nothing throws', () => {
  fc.assert(
    fc.property(kind, request, anyAnswer, (one, asked, value) => {
      const read = readAnswer(one, value);
      if (!read.ok) {
        expect(read.complaint).toMatch(/^answer/);
        return;
      }
      const again = readAnswer('ms-chap-v2', value);
      if (!again.ok) return;
      const settled = settleAnswer('ms-chap-v2', asked, again.value);
      expect(settled?.ok === true || settled?.denial !== undefined).toBe(true);
    }),
  );
});

test('any text is JSON or a complaint', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(typeof parseJson(text).ok).toBe('boolean');
    }),
  );
});

const session = new Session(sessionId('s-1'), {
  local: ipv4(1),
  peer: ipv4(2),
  localCallId: callId(3),
  peerCallId: callId(4),
});

test('a question holds the name octet by octet, whatever it is made of', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const question = sent(questionJson('ms-chap-v2', asked, { session, peerName: '203.0.113.9:40000' }));
      expect(question).toMatchObject({
        version: 1,
        type: 'verify',
        userName: nameText(asked.userName),
        userNameOctets: Buffer.from(asked.userName, 'latin1').toString('base64'),
        proof: { kind: 'ms-chap-v2', ntResponse: Buffer.from(asked.ntResponse).toString('base64') },
        origin: { peer: '203.0.113.9:40000', session: 's-1', callId: 3 },
      });
    }),
  );
});

test('base64 is what Node writes, and only that is read', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      const text = Buffer.from(octets).toString('base64');
      expect(toBase64(octets)).toBe(text);
      expect(fromBase64(text)).toEqual(octets);
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      const read = fromBase64(text);
      if (read !== undefined) expect(toBase64(read)).toBe(text);
    }),
  );
});

test('UTF-8 is what the platform says', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Bytes(text)).toEqual(new Uint8Array(new TextEncoder().encode(text)));
    }),
  );
  const nearlyText = fc.array(
    fc.constantFrom(0x41, 0x80, 0xbf, 0xc2, 0xc1, 0xe0, 0xa0, 0xed, 0xf0, 0x90, 0xf4, 0x8f, 0xf5),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        nearlyText.map((octets) => Uint8Array.from(octets)),
      ),
      (octets) => {
        let expected: string | undefined;
        try {
          expected = decoder.decode(octets);
        } catch {
          expected = undefined;
        }
        expect(utf8Text(octets)).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});
