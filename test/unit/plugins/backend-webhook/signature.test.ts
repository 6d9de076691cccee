import { describe, expect, it } from 'vitest';
import { sign, signatureFault } from '../../../../plugins/backend-webhook/signature.ts';

const body = Buffer.from('{"version":1}');
const nonce = '00112233445566778899aabbccddeeff';
const timestamp = '1700000000';
const signature = sign('secret', 'answer', timestamp, nonce, body);
const fault = (changes: Partial<Parameters<typeof signatureFault>[2]>, now = 1_700_000_000, secret = 'secret') =>
  signatureFault(secret, 'answer', { timestamp, nonce, signature, body, ...changes }, now, 60);

describe('a signature', () => {
  it('is HMAC-SHA256 over direction, timestamp, nonce and body', () => {
    // printf 'request\n1700000000\n00112233445566778899aabbccddeeff\n{"version":1}' | openssl dgst -sha256 -hmac secret
    expect(sign('secret', 'request', timestamp, nonce, body)).toBe(
      'v1=6a354eaa5d89f2fd73ba9c645ea0b3c74ad936931d411c7a8ee043fd2b4d4ce6',
    );
  });

  it('is good for its body, nonce, time and direction alone', () => {
    expect(fault({})).toBeUndefined();
    expect(fault({ body: Buffer.from('{"version":2}') })).toContain('wrong');
    expect(fault({ nonce: `${nonce.slice(0, -1)}e` })).toContain('wrong');
    expect(fault({ timestamp: '1700000001' })).toContain('wrong');
    expect(fault({}, 1_700_000_000, 'Secret')).toContain('wrong');
    expect(fault({ signature: sign('secret', 'request', timestamp, nonce, body) })).toContain('wrong');
  });

  it('has an age', () => {
    expect(fault({}, 1_700_000_060)).toBeUndefined();
    expect(fault({}, 1_699_999_940)).toBeUndefined();
    expect(fault({}, 1_700_000_061)).toBe('the clocks are 61 seconds apart');
    expect(fault({}, 1_699_999_939)).toBe('the clocks are 61 seconds apart');
  });

  it.each([undefined, '', 'v1=', `v2=${signature.slice(3)}`, `${signature}0`, signature.toUpperCase()])(
    'is not %s',
    (text) => {
      expect(fault({ signature: text })).toContain('no x-pptp-signature');
    },
  );

  it.each([undefined, '', '-1', '1e9', '1700000000.5'])('has no timestamp like %s', (text) => {
    expect(fault({ timestamp: text })).toContain('no x-pptp-timestamp');
  });
});
