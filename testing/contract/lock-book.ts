import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { type Lock, type LockBook, type LockQuery, lockFits } from '../../core/ports/locks.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { frozen } from '../support/frozen.ts';
import { given, withoutThrowing } from '../support/given.ts';

export interface LockBookRig {
  readonly book: LockBook;
  /** The time of day that the book was given, in ms since 1970. */
  readonly now: () => number;
  /** Makes as many wrong attempts of this user from this address as lead to at least one lock. */
  guess(user: string, source: Ipv4): void;
  teardown?(): Promise<void>;
}

const HERE = ipv4(0xc000_0201);
const THERE = ipv4(0xc633_6407);
const NOWHERE = ipv4(0xcb00_71fe);

/** What a list of locks must do. `setup` makes one of its own for each check. */
export const lockBookContract = (name: string, setup: () => Promise<LockBookRig>): ContractSuite => {
  const using = (work: (rig: LockBookRig) => void) => async (): Promise<void> => {
    const rig = await setup();
    try {
      work(rig);
    } finally {
      await rig.teardown?.();
    }
  };

  return suite(`LockBook: ${name}`, {
    'is empty before anybody guessed': using(({ book }) => {
      given(listed(book).length === 0, 'it lists locks that nobody caused');
      given(cleared(book, {}) === 0, 'it ended locks that were not there');
    }),

    'lists what is locked, each once, with all that belongs to it': using(({ book, now, guess }) => {
      guess('alice', HERE);
      guess('bob', THERE);
      const locks = listed(book);
      given(locks.length > 0, 'it lists nobody, though somebody guessed');
      for (const lock of locks) checkLock(lock, now());
      const names = new Set(locks.map(({ what, user, source }) => JSON.stringify([what, user, source])));
      given(names.size === locks.length, 'it lists a lock twice');
    }),

    'ends the locks that are asked for, and no others': using(({ book, guess }) => {
      guess('alice', HERE);
      guess('bob', THERE);
      const before = listed(book);
      const query = { source: HERE };
      const meant = before.filter((lock) => lockFits(lock, query)).length;
      given(cleared(book, query) === meant, `it did not say that it ended ${meant}`);
      const left = listed(book);
      given(!left.some((lock) => lockFits(lock, query)), 'a lock that was to end is there');
      given(left.length === before.length - meant, 'a lock is gone that nobody meant');
    }),

    'ends nothing for somebody who is not locked': using(({ book, guess }) => {
      guess('alice', HERE);
      const before = listed(book).length;
      given(cleared(book, { user: 'nobody' }) === 0, 'it ended the lock of another user');
      given(cleared(book, { user: 'alice', source: NOWHERE }) === 0, 'it ended a lock of another address');
      given(listed(book).length === before, 'a lock is gone that nobody meant');
    }),

    'ends all of them, and lists who guesses again': using(({ book, guess }) => {
      guess('alice', HERE);
      guess('bob', THERE);
      const count = listed(book).length;
      given(cleared(book, {}) === count, `it did not say that it ended all ${count}`);
      given(listed(book).length === 0, 'a lock outlived that all were ended');
      guess('alice', HERE);
      given(listed(book).length > 0, 'who guesses again is not locked again');
    }),
  });
};

const listed = (book: LockBook): readonly Lock[] => {
  const locks: unknown = withoutThrowing('list', () => book.list());
  given(Array.isArray(locks), 'list gave no array: it must return at once');
  return book.list();
};

const cleared = (book: LockBook, query: LockQuery): number => {
  const count: unknown = withoutThrowing('clear', () => book.clear(frozen(query)));
  given(
    typeof count === 'number' && Number.isInteger(count) && count >= 0,
    'clear gave no number: it must return at once',
  );
  return count;
};

const checkLock = ({ what, user, source, until }: Lock, now: number): void => {
  given(['user-and-source', 'source', 'user'].includes(what), `"${what}" is no kind of lock`);
  given(
    (user === undefined) === (what === 'source'),
    `a lock of ${what} ${user === undefined ? 'names no' : 'names a'} user`,
  );
  given((source === undefined) === (what === 'user'), `a lock of ${what} has the wrong address`);
  given(until > now, 'a lock is over already');
};
