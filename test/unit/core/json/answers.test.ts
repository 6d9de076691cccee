import { describe, expect, it } from 'vitest';
import { asciiBytes, asciiText } from '../../../../core/bytes/ascii.ts';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { utf8Bytes } from '../../../../core/bytes/utf8.ts';
import { chapMd5Response } from '../../../../core/crypto/chap-md5.ts';
import { msChapV2MasterKeys } from '../../../../core/crypto/mppe-keys.ts';
import {
  generateAuthenticatorResponse,
  generateNtResponse,
  ntPasswordHash,
} from '../../../../core/crypto/ms-chap-v2.ts';
import { readAnswer, settleAnswer } from '../../../../core/json/answer-json.ts';
import { nameText, userOf } from '../../../../core/json/proof-json.ts';

const complaint = (kind: 'pap' | 'ms-chap-v2', value: unknown): string => {
  const read = readAnswer(kind, value);
  return read.ok ? 'no complaint' : read.complaint;
};

describe('an answer that cannot be used', () => {
  it.each<[unknown, string]>([
    [null, 'answer must be an object'],
    ['accept', 'answer must be an object'],
    [[], 'answer.result must be one of accept, secret, reject, unknown-user'],
    [{ version: 2, result: 'unknown-user' }, 'answer.version must be one of 1'],
    [{ result: 'unknown-user' }, 'answer lacks version'],
    [{ version: 1, result: 'reject' }, 'answer lacks denial'],
    [
      { version: 1, result: 'reject', denial: 'no' },
      'answer.denial must be one of bad-credentials, expired, locked, unavailable, proof-refused, change-refused',
    ],
    [{ version: 1, result: 'secret' }, 'answer must have either ntHash or password'],
    [
      { version: 1, result: 'secret', password: 'a', ntHash: '00'.repeat(16) },
      'answer must have either ntHash or password',
    ],
    [
      { version: 1, result: 'secret', ntHash: 'abc' },
      'answer.ntHash must be 32 hexadecimal digits, and not those of an empty password',
    ],
    [{ version: 1, result: 'accept' }, 'answer.grant lacks authenticatorResponse, keys'],
    [{ version: 1, result: 'accept', profile: { adress: '10.0.0.1' } }, 'answer.profile has no field adress'],
    [
      { version: 1, result: 'accept', profile: { routes: ['10.0.0.0/8', '10.0.0.1/8'] } },
      'answer.profile.routes[1] must be a network such as 192.168.7.0/24, with zeroes behind the prefix',
    ],
    [{ version: 1, result: 'accept', profile: { rate: { up: {} } } }, 'answer.profile.rate.up lacks bitsPerSecond'],
    [
      { version: 1, result: 'accept', profile: { message: 'a\nb' } },
      'answer.profile.message must be text of 1 to 253 characters without control characters',
    ],
  ])('%j: %s', (value, expected) => {
    expect(complaint('ms-chap-v2', value)).toBe(expected);
  });

  it('has an empty password, or the hash of one', () => {
    expect(complaint('pap', { version: 1, result: 'secret', password: '' })).toContain('1 to 256 characters');
    const ntHash = '31D6CFE0D16AE931B73C59D7E0C089C0';
    expect(complaint('pap', { version: 1, result: 'secret', ntHash })).toContain('not those of an empty password');
  });

  it('has a password that was not written in UTF-8', () => {
    const password = new TextDecoder().decode(Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
    expect(complaint('pap', { version: 1, result: 'secret', password })).toBe(
      'answer.password must be text of 1 to 256 characters, in UTF-8',
    );
  });

  it('is not shown: a complaint never holds a value', () => {
    expect(complaint('pap', { version: 1, result: 'secret', ntHash: 'sesame' })).not.toContain('sesame');
    expect(complaint('pap', { version: 1, result: 'accept', grant: { keys: 'sesame' } })).not.toContain('sesame');
  });
});

const ntHash = ntPasswordHash('open sesame');
const exchange = {
  userName: 'CORP\\alice',
  authenticatorChallenge: new Uint8Array(16).fill(1),
  peerChallenge: new Uint8Array(16).fill(2),
};
const request = { ...exchange, ntResponse: generateNtResponse(exchange, ntHash) };
const ask = (answer: object) => {
  const read = readAnswer('ms-chap-v2', { version: 1, ...answer });
  if (!read.ok) throw new Error(read.complaint);
  return settleAnswer('ms-chap-v2', request, read.value);
};

describe('an answer with a secret', () => {
  const grant = {
    authenticatorResponse: generateAuthenticatorResponse(exchange, ntHash, request.ntResponse),
    keys: msChapV2MasterKeys(ntHash, request.ntResponse, 'authenticator'),
  };

  it('is judged here, by the password or by its hash', () => {
    const accepted = { ok: true, identity: 'alice', profile: { address: ipv4(0x0a000005) }, grant };
    const profile = { address: '10.0.0.5' };
    expect(ask({ result: 'secret', password: 'open sesame', profile })).toEqual(accepted);
    expect(ask({ result: 'secret', ntHash: Buffer.from(ntHash).toString('hex').toUpperCase(), profile })).toEqual(
      accepted,
    );
    expect(ask({ result: 'secret', password: 'open barley' })).toEqual({ ok: false, denial: 'bad-credentials' });
  });

  it('tells of an account that is closed only who knows its password', () => {
    expect(ask({ result: 'secret', password: 'open sesame', denial: 'expired' })).toEqual({
      ok: false,
      denial: 'expired',
    });
    expect(ask({ result: 'secret', password: 'wrong', denial: 'locked' })).toEqual({
      ok: false,
      denial: 'bad-credentials',
    });
  });

  it('serves PAP and CHAP-MD5 too; CHAP-MD5 not with a hash, and a certificate with nothing', () => {
    const pap = { userName: 'alice', password: utf8Bytes('open sesame') };
    const known = { result: 'secret', profile: {}, secrets: { ntHash, password: 'open sesame' } } as const;
    expect(settleAnswer('pap', pap, known)).toMatchObject({ ok: true, grant: {} });
    const challenge = new Uint8Array(16).fill(7);
    const response = chapMd5Response(9, asciiBytes('open sesame'), challenge);
    const chap = { userName: 'alice', identifier: 9, challenge, response };
    expect(settleAnswer('chap-md5', chap, known)).toMatchObject({ ok: true });
    expect(settleAnswer('chap-md5', chap, { ...known, secrets: { ntHash } })).toBeUndefined();
    const certificate = { userName: 'alice', subject: 'CN=alice', fingerprint: 'AB' };
    expect(settleAnswer('certificate', certificate, known)).toBeUndefined();
    expect(settleAnswer('certificate', certificate, { result: 'accept', profile: {}, grant: {} })).toMatchObject({
      identity: 'alice',
    });
  });
});

describe('names', () => {
  it('are UTF-8 where they can be, else ISO 8859-1, and lose their domain for the look-up', () => {
    expect(nameText(asciiText(utf8Bytes('Zoë')))).toBe('Zoë');
    expect(nameText('Zo\xeb')).toBe('Zoë');
    expect(userOf('CORP\\alice')).toBe('alice');
  });
});
