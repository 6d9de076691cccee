import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { ntPasswordHash } from '../../../core/crypto/ms-chap-v2.ts';
import { GatewayError } from '../../../core/errors.ts';
import { foldName, nameFault, type User } from '../../../plugins/backend-user-file/user.ts';
import { formatUsers, parseUsers } from '../../../plugins/backend-user-file/users-file.ts';

/** Users, or the USERS_FILE error; anything else fails the property. */
const parsed = (text: string): readonly User[] | GatewayError => {
  try {
    return parseUsers('users.json', text);
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    expect(cause.code).toBe('USERS_FILE');
    return cause;
  }
};

const user: fc.Arbitrary<User> = fc
  .record(
    {
      name: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
        .filter((name) => nameFault(name) === undefined),
      ntHash: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      disabled: fc.boolean(),
      address: fc.nat(0xffffffff).map(ipv4),
      comment: fc.string(),
      mustChange: fc.constant(true),
      password: fc.string(),
    },
    { requiredKeys: ['name', 'ntHash', 'disabled'] },
  )
  .map((one) => (one.password === undefined ? one : { ...one, ntHash: ntPasswordHash(one.password) }));

test('what is written is read back', () => {
  const users = fc.uniqueArray(user, {
    maxLength: 20,
    comparator: (a, b) => foldName(a.name) === foldName(b.name) || (a.address !== undefined && a.address === b.address),
  });
  fc.assert(
    fc.property(users, (list) => {
      expect(parsed(formatUsers(list))).toEqual(list);
    }),
  );
});

test('any text, JSON or not, almost right or not: users or one clear error', () => {
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(
      fc.constantFrom('name', 'ntHash', 'password', 'mustChange', 'address', 'disabled', 'comment'),
      fc.jsonValue(),
    ),
  );
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(entry, { maxLength: 4 }).map((users) => JSON.stringify({ version: 1, users })),
  );
  fc.assert(fc.property(text, (input) => void parsed(input)));
});
