import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../../core/bytes/ascii.ts';
import { concatBytes } from '../../../../core/bytes/bytes.ts';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { agreedMethod, summarizePpp } from '../../../../core/machine/ppp-summary.ts';
import { writeChap } from '../../../../core/wire/chap.ts';
import { PPP } from '../../../../core/wire/ppp.ts';
import { encodeConfigPacket } from '../../../../core/wire/ppp-config.ts';

const hex = (text: string): Uint8Array => {
  const bytes = fromHex(text.replaceAll(' ', ''));
  if (bytes === undefined) throw new Error(`bad hexadecimal in a test: ${text}`);
  return bytes;
};

describe('the summary of a control frame', () => {
  it.each([
    [
      PPP.lcp,
      '01 05 0017 0104 0578 0305 c22381 0506 01020304 0702 0802',
      {
        layer: 'lcp',
        name: 'lcp.configure-request',
        identifier: 5,
        detail: 'mru 1400, auth ms-chap-v2, magic, pfc, acfc',
      },
    ],
    [PPP.lcp, '03 02 0008 0304 c023', { layer: 'lcp', name: 'lcp.configure-nak', identifier: 2, detail: 'auth pap' }],
    [PPP.lcp, '09 07 0008 01020304', { layer: 'lcp', name: 'lcp.echo-request', identifier: 7 }],
    [
      PPP.lcp,
      '01 01 0006 0501',
      { layer: 'lcp', name: 'lcp.configure-request', identifier: 1, detail: 'malformed options' },
    ],
    [
      PPP.ccp,
      '01 01 000a 1206 01000040',
      { layer: 'ccp', name: 'ccp.configure-request', identifier: 1, detail: 'mppe 128-bit stateless' },
    ],
    [PPP.ccp, '0e 09 0004', { layer: 'ccp', name: 'ccp.reset-request', identifier: 9 }],
    [
      PPP.ipcp,
      '03 03 0010 0306 0a630002 8106 0a000035',
      { layer: 'ipcp', name: 'ipcp.configure-nak', identifier: 3, detail: 'address 10.99.0.2, primary-dns 10.0.0.53' },
    ],
    [
      PPP.ipv6cp,
      '01 01 000e 010a 0102030405060708',
      { layer: 'ipv6cp', name: 'ipv6cp.configure-request', identifier: 1, detail: 'interface-id' },
    ],
    [PPP.eap, '02 04 0007 03 0d1a', { layer: 'auth', name: 'eap.nak', identifier: 4, detail: 'wants tls, ms-chap-v2' }],
    [PPP.eap, '01 04 0006 0d20', { layer: 'auth', name: 'eap.request', identifier: 4, detail: 'tls' }],
    [PPP.eap, '03 04 0004', { layer: 'auth', name: 'eap.success', identifier: 4 }],
    [PPP.lqr, '00', undefined],
  ])('of protocol %i: %s', (protocol, octets, expected) => {
    expect(summarizePpp(protocol, hex(octets))).toEqual(expected);
  });

  it('tells nothing of what an authentication packet holds', () => {
    const value = hex('0102030405060708090a0b0c0d0e0f10');
    const challenge = writeChap({ kind: 'challenge', identifier: 1, value, name: 'gateway' });
    expect(summarizePpp(PPP.chap, challenge)).toEqual({ layer: 'auth', name: 'chap.challenge', identifier: 1 });
    const request = concatBytes(hex('01 01 0010 05'), asciiBytes('alice'), hex('06'), asciiBytes('sesame'));
    expect(summarizePpp(PPP.pap, request)).toEqual({ layer: 'auth', name: 'pap.request', identifier: 1 });
  });
});

it('knows the method that the two sides agreed on', () => {
  const auth = hex('0305 c22381');
  expect(agreedMethod(encodeConfigPacket(2, 1, auth))).toBe('ms-chap-v2');
  expect(agreedMethod(encodeConfigPacket(1, 1, auth))).toBeUndefined();
  expect(agreedMethod(encodeConfigPacket(2, 1, hex('0702')))).toBeUndefined();
});
