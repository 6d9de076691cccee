import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bits64 } from '../../../core/bytes/ipv6-address.ts';
import {
  ATTRIBUTE,
  type Attribute,
  type AttributeType,
  attribute,
  CODE,
  firstOf,
  hideKey,
  hideMsChapKeys,
  hidePassword,
  hideTunnelPassword,
  joinEap,
  octets,
  openReply,
  openRequest,
  parsePacket,
  revealKey,
  revealMsChapKeys,
  revealPassword,
  revealTunnelPassword,
  sealReply,
  sealRequest,
  splitEap,
  writePacket,
} from '../../../plugins/radius/wire/index.ts';

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const secret = bytes(1, 80);
const authenticator = bytes(16, 16);
const octet = fc.integer({ min: 0, max: 255 });

const someAttribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.record({
    vendor: fc.constant(0),
    // Vendor-Specific reads as what is in it, Message-Authenticator is the codec's own.
    type: octet.filter((type) => type !== 26 && type !== 80),
    value: bytes(0, 253),
  }),
  fc.record({ vendor: fc.integer({ min: 1, max: 0xffffffff }), type: octet, value: bytes(0, 247) }),
);
const attributes = fc.array(someAttribute, { maxLength: 15 });

it('any octets are a packet or a named fault', () => {
  fc.assert(
    fc.property(bytes(0, 200), fc.boolean(), (any, framed) => {
      const data = any.slice();
      if (framed && data.length >= 20) {
        data[2] = 0;
        data[3] = data.length;
      }
      const found = parsePacket(data);
      if (typeof found === 'string') expect(found).toMatch(/^[a-z-]+$/);
      else expect(found.authenticator).toHaveLength(16);
      for (const type of Object.values<AttributeType<unknown>>(ATTRIBUTE)) type.kind.read(any);
    }),
  );
});

it('what is written is read', () => {
  fc.assert(
    fc.property(octet, octet, authenticator, attributes, (code, identifier, auth, list) => {
      const packet = { code, identifier, authenticator: auth, attributes: list };
      const written = writePacket(packet);
      if (written === undefined) return;
      expect(parsePacket(written)).toEqual(packet);
    }),
  );
});

it('a vendor attribute of another format is kept as it is', () => {
  fc.assert(
    fc.property(bytes(0, 253), (value) => {
      const list = [{ vendor: 0, type: 26, value }];
      const written = writePacket({ code: 2, identifier: 0, authenticator: new Uint8Array(16), attributes: list });
      const read = parsePacket(written ?? expect.fail());
      if (typeof read === 'string') return expect.fail(read);
      const again = read.attributes.reduce(
        (sum, one) => sum + one.value.length + (one.vendor === 0 ? 0 : 2),
        read.attributes.some(({ vendor }) => vendor !== 0) ? 4 : 0,
      );
      expect(again).toBe(value.length);
      return undefined;
    }),
  );
});

it('a value of the dictionary is read as it was written', () => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const half = fc.tuple(u32, u32).map(([high, low]) => bits64(high, low));
  const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    text: fc.string({ unit: 'grapheme-ascii', maxLength: 247 }),
    string: bytes(0, 247),
    integer: u32,
    'IPv4 address': u32,
    'IPv6 address': fc.record({ prefix: half, interfaceId: half }),
    'interface id': half,
    'IPv6 prefix': fc
      .record({ high: u32, low: u32 })
      .map(({ high, low }) => ({ prefix: { prefix: bits64(high, low), interfaceId: bits64(0, 0) }, prefixLength: 64 })),
    'tagged integer': fc.record({
      tag: fc.integer({ min: 0, max: 31 }),
      value: fc.integer({ min: 0, max: 0xffffff }),
    }),
    'tagged text': fc.record({
      tag: fc.integer({ min: 0, max: 31 }),
      value: fc.string({ unit: 'grapheme-ascii', maxLength: 240 }),
    }),
  };
  for (const type of Object.values<AttributeType<unknown>>(ATTRIBUTE)) {
    const arbitrary = values[type.kind.name] ?? expect.fail(type.kind.name);
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(firstOf([attribute(type, value)], type)).toEqual(value);
      }),
      { numRuns: 20 },
    );
  }
});

it('what is hidden is revealed, and only with its secret', () => {
  fc.assert(
    fc.property(
      secret,
      authenticator,
      bytes(0, 128),
      bytes(0, 100),
      bytes(2, 2),
      octet,
      (key, auth, any, data, salt, tag) => {
        const password = any.slice(0, any.findLastIndex((one) => one !== 0) + 1);
        expect(revealPassword(hidePassword(password, key, auth) ?? expect.fail(), key, auth)).toEqual(password);
        expect(revealKey(hideKey(data, salt, key, auth), key, auth)).toEqual(data);
        expect(revealTunnelPassword(hideTunnelPassword(tag, data, salt, key, auth), key, auth)).toEqual({
          tag,
          password: data,
        });
      },
    ),
  );
  fc.assert(
    fc.property(secret, authenticator, bytes(8, 8), bytes(16, 16), (key, auth, lmKey, ntKey) => {
      expect(revealMsChapKeys(hideMsChapKeys(lmKey, ntKey, key, auth), key, auth)).toEqual({ lmKey, ntKey });
    }),
  );
});

it('revealing any octets never throws', () => {
  fc.assert(
    fc.property(secret, authenticator, bytes(0, 253), (key, auth, any) => {
      for (const reveal of [revealPassword, revealKey, revealMsChapKeys, revealTunnelPassword]) reveal(any, key, auth);
    }),
  );
});

it('a sealed request opens with its secret, and with none that is changed or another', () => {
  const code = fc.constantFrom(CODE.accessRequest, CODE.accountingRequest, CODE.coaRequest, CODE.statusServer);
  fc.assert(
    fc.property(
      code,
      octet,
      authenticator,
      attributes,
      secret,
      fc.nat(),
      (kind, identifier, auth, list, key, where) => {
        const sealed = sealRequest({ code: kind, identifier, authenticator: auth, attributes: list }, key);
        if (sealed === undefined) return;
        const opened = openRequest(sealed, key, true);
        if (typeof opened === 'string') return expect.fail(opened);
        expect(opened.attributes[0]).toMatchObject({ vendor: 0, type: 80 });
        expect(opened.attributes.slice(1)).toEqual(list);
        const changed = sealed.slice();
        const at = where % sealed.length;
        changed[at] = (changed[at] ?? 0) ^ 0x01;
        // An Access-Request and a Status-Server differ in nothing but their code, which the signature covers.
        expect(typeof openRequest(changed, key, true)).toBe('string');
        expect(typeof openRequest(sealed, Uint8Array.of(...key, 1), true)).toBe('string');
        return undefined;
      },
    ),
  );
});

it('a sealed reply opens for its request only', () => {
  fc.assert(
    fc.property(
      octet,
      octet,
      authenticator,
      attributes,
      secret,
      fc.nat(),
      (code, identifier, auth, list, key, where) => {
        const sealed = sealReply({ code, identifier, attributes: list }, auth, key);
        if (sealed === undefined) return;
        expect(typeof openReply(sealed, auth, key, true)).toBe('object');
        const changed = sealed.slice();
        const at = where % sealed.length;
        changed[at] = (changed[at] ?? 0) ^ 0x80;
        expect(typeof openReply(changed, auth, key, true)).toBe('string');
        const other = auth.slice();
        other[where % 16] = (other[where % 16] ?? 0) ^ 4;
        expect(openReply(sealed, other, key, true)).toBe('bad-authenticator');
      },
    ),
  );
});

it('any octets are opened or refused by name', () => {
  fc.assert(
    fc.property(bytes(0, 120), authenticator, secret, fc.boolean(), (any, auth, key, required) => {
      const data = any.slice();
      if (data.length >= 20) {
        data[2] = 0;
        data[3] = data.length;
      }
      expect(typeof openReply(data, auth, key, required)).toBe('string');
      openRequest(data, key, required);
    }),
  );
});

it('EAP packets are split and joined', () => {
  fc.assert(
    fc.property(bytes(0, 2000), attributes, (packet, others) => {
      const { type } = ATTRIBUTE.eapMessage;
      const without = others.filter((one) => one.vendor !== 0 || one.type !== type);
      const parts = splitEap(packet);
      expect(parts.every(({ value }) => value.length <= 253)).toBe(true);
      expect(joinEap([...without, ...parts])).toEqual(packet);
    }),
  );
});

it('a value that is too long is cut', () => {
  expect(octets(ATTRIBUTE.userName, new Uint8Array(300)).value).toHaveLength(253);
  expect(octets(ATTRIBUTE.msChapDomain, new Uint8Array(300)).value).toHaveLength(247);
});
