import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../../core/bytes/ascii.ts';
import { toHex } from '../../../../core/bytes/hex.ts';
import type { Authenticator } from '../../../../core/ports/auth.ts';
import { askBackEnds } from '../../../../gateway/session/ask-back-ends.ts';
import { failureFields, failureText } from '../../../../gateway/session/failure-words.ts';
import { scrubFields } from '../../../../observability/scrub.ts';
import { createUserNames } from '../../../../observability/user-names.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { ORIGIN } from '../../../support/proof-origin.ts';

describe('of an error', () => {
  it.each<[unknown, object]>([
    [new TypeError('alice'), { type: 'TypeError' }],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), { type: 'Error', code: 'ECONNREFUSED' }],
    [Object.assign(new Error('x'), { code: 49 }), { type: 'Error', code: '49' }],
    [Object.assign(new Error('x'), { name: 'no such user alice', code: 'pw=wonder land' }), { type: 'Error' }],
    ['alice', { type: 'string' }],
    [undefined, { type: 'undefined' }],
  ])('%s only class and code are kept', (cause, fields) => {
    expect(failureFields(cause)).toEqual(fields);
  });
});

describe('the text of an error', () => {
  const request = { userName: 'OFFICE\\alice', password: asciiBytes('wonderland') };

  it.each([
    ['cn=alice,ou=people not found', 'cn=[user],ou=people not found'],
    ['bind as Office\\Alice failed', 'bind as [user] failed'],
    ['password "wonderland" is wrong', 'password "[secret]" is wrong'],
    [`0x${toHex(request.password).toUpperCase()} refused`, '0x[secret] refused'],
    [`{"password":"${btoa('wonderland')}"}`, '{"password":"[secret]"}'],
    ['connect ECONNREFUSED 192.0.2.1:389', 'connect ECONNREFUSED 192.0.2.1:389'],
  ])('%s', (text, expected) => {
    expect(failureText(new Error(text), request)).toBe(expected);
  });

  it('never holds name or password, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 9, unit: 'grapheme-ascii' }),
        fc.uint8Array({ minLength: 4 }),
        (userName, password) => {
          const said = `${userName} / ${toHex(password)}`;
          const asked = { userName, password };
          const text = failureText(new Error(said), asked);
          expect(text.includes(toHex(password))).toBe(false);
          expect(text.includes(userName)).toBe(false);
        },
      ),
    );
  });
});

describe('a back-end that fails', () => {
  it('is named with class and code; what it said is for the level debug, with the user as configured', async () => {
    const log = new MemoryLog();
    const cause = Object.assign(new Error('no entry for alice (wonderland)'), { code: 'LDAP_32' });
    const ldap: Authenticator = { name: 'ldap', supports: () => true, verify: () => Promise.reject(cause) };
    const request = { userName: 'alice', password: asciiBytes('wonderland') };
    await askBackEnds([ldap], 'pap', request, new AbortController().signal, ORIGIN, log);
    expect(log.lines).toEqual([
      {
        level: 'error',
        event: 'auth.backend-failed',
        message: 'the back-end ldap could not answer',
        fields: { type: 'Error', code: 'LDAP_32' },
      },
      {
        level: 'debug',
        event: 'auth.backend-error',
        message: 'what the back-end ldap said of it',
        fields: { user: 'alice', cause: 'no entry for [user] ([secret])' },
      },
    ]);
    expect(scrubFields(log.lines[1]?.fields ?? {}, createUserNames('off'))).toEqual({
      cause: 'no entry for [user] ([secret])',
    });
  });
});
