import type { AccountingRecord, AccountingSink } from '../../core/ports/accounting.ts';
import { CLEAR_REASONS } from '../../core/ports/control.ts';
import type { SessionEnding } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { frozen } from '../support/frozen.ts';
import { given, settled, withoutThrowing } from '../support/given.ts';
import { testFacts, testSession, testUsage } from '../support/sessions.ts';

/** Sessions come and go; nothing that is told may be answered, and nothing may go wrong. */

export interface AccountingSinkRig {
  readonly sink: AccountingSink;
  /** Makes where the records go fail. */
  breakDown?(): void;
  teardown?(): Promise<void>;
}

export interface SessionListenerRig {
  readonly listener: SessionListener;
  /** Makes what it tells fail. */
  breakDown?(): void;
  teardown?(): Promise<void>;
}

const NOON = 1_700_000_000_000;
const SESSIONS = 500;
const MOST = Number.MAX_SAFE_INTEGER;

const ENDINGS: readonly SessionEnding[] = CLEAR_REASONS.map((reason) => ({ reason, detail: `${reason}, of a test` }));
const endingOf = (number: number): SessionEnding =>
  ENDINGS[number % ENDINGS.length] ?? { reason: 'peer-request', detail: '' };

const recordOf = (number: number, changes: Partial<AccountingRecord> = {}): AccountingRecord =>
  frozen({ facts: testFacts(number), at: NOON + number * 1_000, seconds: number, usage: testUsage(), ...changes });

/** Says what went wrong in the background: rejections that nobody handles end a process. */
async function unhandledDuring(work: () => void | Promise<void>): Promise<readonly unknown[]> {
  const causes: unknown[] = [];
  const note = (cause: unknown): void => void causes.push(cause);
  process.on('unhandledRejection', note);
  try {
    await work();
    await settled();
  } finally {
    process.off('unhandledRejection', note);
  }
  return causes;
}

const atOnce = (what: string, run: () => unknown): void => {
  const answer = withoutThrowing(what, run);
  given(answer === undefined, `${what} gave ${answer instanceof Promise ? 'a promise' : String(answer)}, not nothing`);
};

const quietly = async (work: () => void): Promise<void> => {
  const [first, ...more] = await unhandledDuring(work);
  given(first === undefined, `${more.length + 1} rejections that nobody handles, the first: ${String(first)}`);
};

/** What a sink must do with any record. `setup` makes one of its own for each check. */
export const accountingSinkContract = (name: string, setup: () => Promise<AccountingSinkRig>): ContractSuite => {
  const using = (work: (rig: AccountingSinkRig) => void | Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.teardown?.();
    }
  };
  const life = ({ sink }: AccountingSinkRig, number: number): void => {
    atOnce('start', () => sink.start(recordOf(number)));
    atOnce('interim', () => sink.interim(recordOf(number, { seconds: 60 })));
    atOnce('stop', () => sink.stop(recordOf(number, { seconds: 61 }), endingOf(number)));
  };

  return suite(`AccountingSink: ${name}`, {
    'has a name': using(({ sink }) => {
      given(/^[a-z][a-z0-9-]*$/.test(sink.name), `"${sink.name}" is no name: lower-case and hyphens`);
    }),
    'takes records at once, in their order': using((rig) => quietly(() => life(rig, 1))),
    'takes those of very many sessions at a time': using((rig) =>
      quietly(() => {
        for (let number = 1; number <= SESSIONS; number += 1) life(rig, number);
      }),
    ),
    'takes the least and the most that a record may say': using(({ sink }) =>
      quietly(() => {
        const least = testFacts(1, {
          address: undefined,
          upAt: undefined,
          identity: '',
          encryption: 'none',
          profile: { classes: [] },
        });
        const most = testFacts(2, {
          identity: '\u{1f600}\u0000"\\,\n'.repeat(40),
          ipv6Prefix: { high: 0x2001_0db8, low: 0 },
          profile: { classes: Array.from({ length: 8 }, () => new Uint8Array(253).fill(255)), interimSeconds: 0 },
        });
        const all = { octetsIn: MOST, octetsOut: MOST, packetsIn: MOST, packetsOut: MOST };
        for (const facts of [least, most]) {
          const record = recordOf(1, { facts, usage: testUsage(facts === most ? all : {}), seconds: 0 });
          atOnce('start', () => sink.start(record));
          atOnce('stop', () => sink.stop(record, endingOf(3)));
        }
      }),
    ),
    'takes the end of a session of which it has seen no beginning': using(({ sink }) =>
      quietly(() => {
        atOnce('interim', () => sink.interim(recordOf(7)));
        atOnce('stop', () => sink.stop(recordOf(8), endingOf(1)));
      }),
    ),
    'takes every way to end': using(({ sink }) =>
      quietly(() => {
        ENDINGS.forEach((ending, number) => {
          atOnce('start', () => sink.start(recordOf(number + 1)));
          atOnce(`stop (${ending.reason})`, () => sink.stop(recordOf(number + 1), frozen(ending)));
        });
      }),
    ),
    'goes on taking records when nobody takes its own': using(async (rig) => {
      if (rig.breakDown === undefined) return;
      rig.breakDown();
      await quietly(() => {
        for (let number = 1; number <= SESSIONS; number += 1) life(rig, number);
      });
    }),
  });
};

/** What a listener must do with all that it is told. `setup` makes one of its own for each check. */
export const sessionListenerContract = (name: string, setup: () => Promise<SessionListenerRig>): ContractSuite => {
  const using = (work: (rig: SessionListenerRig) => void | Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.teardown?.();
    }
  };
  return suite(`SessionListener: ${name}`, listenerChecks(using));
};

/** Also for those that are a listener besides something else. */
export function listenerChecks(
  using: (work: (rig: SessionListenerRig) => void | Promise<void>) => () => Promise<void>,
): Readonly<Record<string, () => Promise<void>>> {
  const life = ({ listener }: SessionListenerRig, number: number): void => {
    const session = testSession(number);
    const facts = frozen(testFacts(number));
    atOnce('up', () => listener.up?.(facts, session));
    atOnce('changed', () => listener.changed?.(frozen(testFacts(number, { profile: { filter: 'guests' } })), session));
    atOnce('down', () => listener.down?.(facts, endingOf(number), testUsage({ octetsIn: MOST }), session));
  };
  return {
    'has a name, and listens to something': using(({ listener }) => {
      given(/^[a-z][a-z0-9-]*$/.test(listener.name), `"${listener.name}" is no name: lower-case and hyphens`);
      const parts = [listener.up, listener.changed, listener.down];
      given(
        parts.some((part) => part !== undefined),
        'it has none of up, changed and down',
      );
    }),
    'is told of the life of a session, and returns at once': using((rig) => quietly(() => life(rig, 1))),
    'is told of very many sessions at a time': using((rig) =>
      quietly(() => {
        for (let number = 1; number <= SESSIONS; number += 1) life(rig, number);
      }),
    ),
    'is told of sessions side by side, and of one twice': using((rig) =>
      quietly(() => {
        const { listener } = rig;
        const usage = testUsage();
        const tell = (number: number, what: 'up' | 'down'): void => {
          const [facts, session] = [frozen(testFacts(number)), testSession(number)];
          if (what === 'up') atOnce('up', () => listener.up?.(facts, session));
          else atOnce('down', () => listener.down?.(facts, endingOf(number), usage, session));
        };
        for (const number of [1, 2, 3]) tell(number, 'up');
        for (const number of [2, 1, 3]) tell(number, 'down');
        // Session names are used once, users and addresses again and again.
        life(rig, 1);
      }),
    ),
    'takes a session without an address or a profile': using(({ listener }) =>
      quietly(() => {
        const facts = frozen(testFacts(5, { address: undefined, profile: {}, identity: '', upAt: undefined }));
        atOnce('up', () => listener.up?.(facts, testSession(5)));
        atOnce('down', () => listener.down?.(facts, endingOf(5), testUsage(), testSession(5)));
      }),
    ),
    'goes on when nobody takes what it tells': using(async (rig) => {
      if (rig.breakDown === undefined) return;
      rig.breakDown();
      await quietly(() => {
        for (let number = 1; number <= SESSIONS; number += 1) life(rig, number);
      });
    }),
  };
}
