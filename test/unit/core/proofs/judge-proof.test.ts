import { describe, expect, it } from 'vitest';
import { chapMd5Response } from '../../../../core/crypto/chap-md5.ts';
import { ntPasswordHash } from '../../../../core/crypto/ms-chap-v2.ts';
import { judgeProof } from '../../../../core/proofs/judge-proof.ts';

const challenge = Uint8Array.from({ length: 16 }, (_, i) => i);
const proof = (password: string) => ({
  userName: 'alice',
  identifier: 7,
  challenge,
  response: chapMd5Response(7, new TextEncoder().encode(password), challenge),
});
const ntHash = ntPasswordHash('wonderland');

describe('CHAP-MD5', () => {
  it('is proven by the password', () => {
    expect(judgeProof('chap-md5', proof('wonderland'), { ntHash, password: 'wonderland' })).toEqual({});
    expect(judgeProof('chap-md5', proof('guess'), { ntHash, password: 'wonderland' })).toBeUndefined();
  });

  it('is never proven where only the hash is known, not even with an empty password', () => {
    for (const password of ['', 'wonderland']) {
      expect(judgeProof('chap-md5', proof(password), { ntHash })).toBeUndefined();
    }
  });
});
