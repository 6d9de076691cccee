import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AuthDenial } from '../../core/ports/auth.ts';
import type { AdmissionRequest, Attempt, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import type { FakeClock } from '../lab/fake-clock.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { frozen } from '../support/frozen.ts';
import { given, outcomeOf, settled, withoutThrowing } from '../support/given.ts';
import { testPeerName, testSession } from '../support/sessions.ts';

export interface SessionPolicyRig {
  readonly policy: SessionPolicy;
  /** The clock that it was given, if it waits for anything by it. */
  readonly clock?: FakeClock;
  teardown?(): Promise<void>;
}

const ATTEMPTS = 200;
const PATIENCE_MS = 60_000;
const NOON = 1_700_000_000_000;

const PROFILES: readonly UserProfile[] = [
  {},
  { address: ipv4(0x0a63_0042), classes: [Uint8Array.of(1, 2, 3)] },
  { rate: { up: { bitsPerSecond: 1_000_000 } }, routes: [{ network: ipv4(0x0a01_0000), prefixLength: 16 }] },
  { idleSeconds: 0, sessionSeconds: 3600, quotaOctets: 1, filter: 'guests', dns: [], message: 'welcome' },
];

/** What a policy must do about anybody who asks. `setup` makes one of its own for each check. */
export const sessionPolicyContract = (name: string, setup: () => Promise<SessionPolicyRig>): ContractSuite => {
  const using = (work: (rig: SessionPolicyRig) => void | Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.teardown?.();
    }
  };

  return suite(`SessionPolicy: ${name}`, {
    'has a name and decides something': using(({ policy }) => {
      given(/^[a-z][a-z0-9-]*$/.test(policy.name), `"${policy.name}" is no name: lower-case and hyphens`);
      const parts = [policy.mayTry, policy.mayPass, policy.tried, policy.admit];
      given(
        parts.some((part) => part !== undefined),
        'it has none of mayTry, mayPass, tried and admit',
      );
    }),

    'says at once whether somebody may try, whoever that is': using(({ policy }) => {
      for (const attempt of attempts()) {
        for (const what of ['mayTry', 'mayPass'] as const) {
          const answer: unknown = withoutThrowing(what, () => policy[what]?.(frozen(attempt)));
          given(
            answer === undefined || typeof answer === 'boolean',
            `${what} gave ${describe(answer)}, no true or false`,
          );
        }
      }
    }),

    'takes note of attempts at once, also of those that it was not asked about': using(({ policy }) => {
      const dice = new Dice(3);
      for (const attempt of attempts()) {
        const denial = dice.pick<AuthDenial | undefined>([undefined, 'bad-credentials', 'locked', 'unavailable']);
        const answer: unknown = withoutThrowing('tried', () => policy.tried?.(frozen(attempt), denial));
        given(answer === undefined, `tried gave ${describe(answer)}: it must return at once, with nothing`);
      }
    }),

    'admits or refuses, with all that belongs to it': using(async (rig) => {
      for (let number = 1; number <= PROFILES.length * 2; number += 1) {
        checkAnswer(await admitted(rig, requestOf(number)));
      }
    }),

    'answers many at a time': using(async (rig) => {
      const numbers = Array.from({ length: 20 }, (_, n) => n + 1);
      for (const answer of await Promise.all(numbers.map((number) => admitted(rig, requestOf(number))))) {
        checkAnswer(answer);
      }
    }),

    'answers again when somebody proves itself again on the same session': using(async (rig) => {
      const request = requestOf(1);
      const first = await admitted(rig, request);
      const second = await admitted(rig, request);
      given(
        !first.admit || second.admit || second.denial !== 'too-many-sessions',
        'the same session was counted twice: asked again, it was one too many',
      );
    }),

    'ends when nobody wants the answer any more': using(async ({ policy, clock }) => {
      if (policy.admit === undefined) return;
      const controller = new AbortController();
      const answer = Promise.resolve(policy.admit(frozen(requestOf(1)), controller.signal));
      controller.abort();
      const outcome = outcomeOf('admit, called off', answer);
      await clock?.advance(PATIENCE_MS);
      await outcome;
    }),
  });
};

const describe = (value: unknown): string => (value instanceof Promise ? 'a promise' : String(value));

function attempts(): readonly Attempt[] {
  const dice = new Dice(8);
  return Array.from({ length: ATTEMPTS }, (_, n) => ({
    userName: dice.happens(0.2) ? undefined : dice.text(260),
    source: ipv4(dice.pick([0, 0xcb00_7109, 0xffff_ffff, dice.number(1, 0xffffff)])),
    // The time of day may jump.
    at: NOON + (dice.happens(0.9) ? n * 1_000 : -n * 100_000),
  }));
}

const requestOf = (number: number): AdmissionRequest => ({
  session: testSession(number),
  peerName: testPeerName(number),
  identity: `user-${number}`,
  method: 'ms-chap-v2',
  profile: PROFILES[number % PROFILES.length] ?? {},
  at: NOON + number,
});

async function admitted({ policy, clock }: SessionPolicyRig, request: AdmissionRequest): Promise<PolicyAnswer> {
  if (policy.admit === undefined) return { admit: true };
  const answer = withoutThrowing('admit', () => policy.admit?.(frozen(request), new AbortController().signal));
  const outcome = outcomeOf('admit', Promise.resolve(answer));
  if (clock !== undefined) {
    await settled();
    await clock.advance(PATIENCE_MS);
  }
  const ended = await outcome;
  if (!ended.ok) throw new Error(`admit rejected: ${String(ended.cause)}`, { cause: ended.cause });
  if (ended.value === undefined) throw new Error('admit gave no answer');
  return ended.value;
}

function checkAnswer(answer: PolicyAnswer): void {
  given(typeof answer === 'object' && answer !== null, 'the answer is no object');
  if (answer.admit) {
    given(
      answer.profile === undefined || (typeof answer.profile === 'object' && answer.profile !== null),
      'the profile of the answer is no object',
    );
    return;
  }
  given(/^[a-z][a-z0-9-]*$/.test(answer.denial), `the denial "${answer.denial}" is no stable word`);
  given(answer.detail.trim() !== '', 'a refusal needs a sentence for people (detail)');
}
