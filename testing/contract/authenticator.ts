import { toHex } from '../../core/bytes/hex.ts';
import {
  AUTH_DENIALS,
  type Authenticator,
  type AuthKind,
  type BackEndAnswer,
  type ProofOrigin,
} from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { FakeClock } from '../lab/fake-clock.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { frozen } from '../support/frozen.ts';
import { given, type Outcome, outcomeOf, same, settled, withoutThrowing, wordsOf } from '../support/given.ts';
import {
  BUILT_IN_KINDS,
  type Credentials,
  PASSWORD_KINDS,
  proofOf,
  type Question,
  randomQuestion,
} from '../support/proofs.ts';
import { testOrigin } from '../support/sessions.ts';

export interface AuthenticatorRig {
  readonly authenticator: Authenticator;
  /** Users that it knows: of every password kind that it supports, their proof is right. */
  readonly users?: readonly Credentials[];
  /** Questions of other kinds that it answers with yes, and with no. */
  readonly accepted?: readonly Question[];
  readonly refused?: readonly Question[];
  /** Texts that no answer and no error may hold: passwords of its own, keys, tokens. Those of `users` are among them. */
  readonly secrets?: readonly string[];
  /** Makes what it asks go silent: no answer comes any more. */
  silence?(): void;
  /** Makes what it asks fail: refused connections, errors, garbage. */
  breakDown?(): void;
  /** The clock that it was given, if it waits for anything by it. */
  readonly clock?: FakeClock;
  teardown?(): Promise<void>;
}

const DENIALS: ReadonlySet<string> = new Set([...AUTH_DENIALS, 'unknown-user']);

const QUESTIONS = 40;
/** No back-end is asked for longer: the gateway gives up before (PPTP_PLUGIN_TIMEOUT). */
const PATIENCE_MS = 60_000;

/** What a back-end must do, whatever it knows and wherever it asks. `setup` makes one of its own for each check. */
export const authenticatorContract = (name: string, setup: () => Promise<AuthenticatorRig>): ContractSuite => {
  const using = (work: (rig: AuthenticatorRig) => Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.teardown?.();
    }
  };

  return suite(`Authenticator: ${name}`, {
    'has a name, and says at any time which kinds it supports': using(async ({ authenticator }) => {
      given(/^[a-z][a-z0-9-]*$/.test(authenticator.name), `"${authenticator.name}" is no name: lower-case and hyphens`);
      for (const kind of BUILT_IN_KINDS) {
        const first = withoutThrowing(`supports('${kind}')`, () => authenticator.supports(kind));
        given(typeof first === 'boolean', `supports('${kind}') gave ${typeof first}`);
        same(authenticator.supports(kind), first, `supports('${kind}') changed its mind`);
      }
    }),

    'supports no kind that it cannot know': using(async ({ authenticator }) => {
      const unknown = 'no-such-kind-of-proof' as AuthKind;
      given(
        withoutThrowing('supports', () => authenticator.supports(unknown)) === false,
        'it supports an unknown kind',
      );
    }),

    'says yes to the proofs of its users, again and again': using(async (rig) => {
      for (const { question, userName } of rightQuestions(rig)) {
        for (let time = 0; time < 2; time += 1) {
          const answer = await answerTo(rig, question);
          given(answer.ok, `the right ${question.kind} proof of ${userName} was refused: ${JSON.stringify(answer)}`);
        }
      }
    }),

    'says no to a wrong password': using(async (rig) => {
      const dice = new Dice(3);
      for (const { userName, password } of rig.users ?? []) {
        for (const kind of passwordKinds(rig)) {
          const answer = await answerTo(rig, proofOf(kind, { userName, password: `${password}?` }, dice));
          given(!answer.ok, `a wrong password of ${userName} was let in (${kind})`);
        }
      }
      for (const question of rig.refused ?? []) {
        const answer = await answerTo(rig, question);
        given(!answer.ok, `a ${question.kind} question to be refused was not`);
      }
    }),

    'lets nobody in who proves nothing, and fails at no request': using(async (rig) => {
      const dice = new Dice(5);
      for (const kind of BUILT_IN_KINDS.filter((one) => rig.authenticator.supports(one))) {
        for (let n = 0; n < QUESTIONS; n += 1) {
          const question = randomQuestion(kind, dice, n % 2 === 0);
          if (question === undefined) continue;
          const answer = await answerTo(rig, question);
          given(!answer.ok, `a ${kind} request of random octets was let in`);
        }
      }
    }),

    'ends a question of a kind that it does not support without a yes': using(async (rig) => {
      const dice = new Dice(7);
      for (const kind of BUILT_IN_KINDS.filter((one) => !rig.authenticator.supports(one))) {
        const question = randomQuestion(kind, dice, true);
        if (question === undefined) continue;
        const outcome = await ask(rig, question);
        given(!outcome.ok || !outcome.value.ok, `a question of the kind ${kind} was answered with yes`);
      }
    }),

    'answers many questions at a time, each as if it were alone': using(async (rig) => {
      const dice = new Dice(11);
      const right = rightQuestions(rig);
      const wrong = right.flatMap(({ question: { kind } }) => randomQuestion(kind, dice, true) ?? []);
      const expected = [...right.map(() => true), ...wrong.map(() => false)];
      const questions = [...right.map(({ question }) => question), ...wrong];
      const all = [...questions, ...questions, ...questions];
      const answers = await Promise.all(all.map((question, n) => answerTo(rig, question, n + 1)));
      answers.forEach((answer, n) => {
        given(answer.ok === expected[n % questions.length], `answer ${n} of ${all.length} at a time was wrong`);
      });
    }),

    'leaves the request as it is': using(async (rig) => {
      for (const { question } of rightQuestions(rig)) {
        const before = transcriptOf(question.request);
        await answerTo(rig, frozen(question));
        same(transcriptOf(question.request), before, `the ${question.kind} request was changed`);
      }
    }),

    'ends when nobody wants the answer any more': using(async (rig) => {
      const [first] = rightQuestions(rig);
      if (first === undefined) return;
      await ask(rig, first.question, 1, AbortSignal.abort());
      if (rig.silence === undefined) return;
      rig.silence();
      const controller = new AbortController();
      const waiting = verify(rig.authenticator, first.question, controller.signal, testOrigin());
      await settled();
      controller.abort();
      const outcome = await outcomeOf('a question that was called off', waiting);
      given(!outcome.ok || !outcome.value.ok, 'a question that was called off was answered with yes');
    }),

    'ends in time where what it asks is silent, or leaves that to the signal': using(async (rig) => {
      const [first] = rightQuestions(rig);
      if (first === undefined || rig.silence === undefined) return;
      rig.silence();
      const controller = new AbortController();
      const waiting = verify(rig.authenticator, first.question, controller.signal, testOrigin());
      // Heard from the beginning: it may be rejected while the clock goes on.
      const ended = outcomeOf('a question that nobody answers', waiting);
      await rig.clock?.advance(PATIENCE_MS);
      await settled();
      controller.abort();
      const outcome = await ended;
      given(!outcome.ok || !outcome.value.ok, 'a question that nobody answered was answered with yes');
    }),

    'lets nobody in when what it asks breaks down, and ends the question': using(async (rig) => {
      const [first] = rightQuestions(rig);
      if (first === undefined || rig.breakDown === undefined) return;
      rig.breakDown();
      const outcome = await ask(rig, first.question);
      given(!outcome.ok || !outcome.value.ok, 'it answered with yes while what it asks was broken');
    }),

    'tells no secret, in answers or in errors': using(async (rig) => {
      const said: string[] = [];
      const hear = (outcome: Outcome<BackEndAnswer>): void => {
        said.push(outcome.ok ? transcriptOf({ ...outcome.value, grant: undefined }) : wordsOf(outcome.cause));
      };
      const right = rightQuestions(rig);
      for (const { question } of right) hear(await ask(rig, question));
      rig.breakDown?.();
      for (const { question } of right) hear(await ask(rig, question));
      const secrets = [...(rig.secrets ?? []), ...(rig.users ?? []).map(({ password }) => password)];
      for (const secret of secrets) {
        const hexadecimal = toHex(new TextEncoder().encode(secret));
        for (const words of said) {
          given(!words.includes(secret) && !words.includes(hexadecimal), `a secret is in: ${hidden(words, secret)}`);
        }
      }
    }),

    'reserves addresses, if any, as numbers of 32 bits': using(async ({ authenticator }) => {
      const reserved = authenticator.reservedAddresses?.() ?? new Set();
      for (const address of reserved) {
        given(Number.isInteger(address) && address >= 0 && address < 2 ** 32, `${address} is no IPv4 address`);
      }
    }),
  });
};

const passwordKinds = ({ authenticator }: AuthenticatorRig) =>
  PASSWORD_KINDS.filter((kind) => authenticator.supports(kind));

interface RightQuestion {
  readonly question: Question;
  readonly userName: string;
}

function rightQuestions(rig: AuthenticatorRig): readonly RightQuestion[] {
  const dice = new Dice(2);
  const ofUsers = (rig.users ?? []).flatMap((user) =>
    passwordKinds(rig).map((kind) => ({ question: proofOf(kind, user, dice), userName: user.userName })),
  );
  const others = (rig.accepted ?? []).map((question) => ({ question, userName: 'somebody' }));
  return [...ofUsers, ...others];
}

const verify = (
  authenticator: Authenticator,
  { kind, request }: Question,
  signal: CancelSignal,
  origin: ProofOrigin,
): Promise<BackEndAnswer> => {
  const answer: unknown = withoutThrowing(`verify('${kind}')`, () =>
    authenticator.verify(kind, request, signal, origin),
  );
  given(answer instanceof Promise, `verify('${kind}') gave no promise`);
  return answer as Promise<BackEndAnswer>;
};

/** Asks, and lets the time pass that an answer may take. */
async function ask(
  rig: AuthenticatorRig,
  question: Question,
  number = 1,
  signal: CancelSignal = new AbortController().signal,
): Promise<Outcome<BackEndAnswer>> {
  const waiting = verify(rig.authenticator, question, signal, testOrigin(number));
  const outcome = outcomeOf(`the question ${question.kind}`, waiting);
  if (rig.clock !== undefined) {
    await settled();
    await rig.clock.advance(PATIENCE_MS);
  }
  const ended = await outcome;
  if (ended.ok) checkAnswer(question.kind, ended.value);
  return ended;
}

async function answerTo(rig: AuthenticatorRig, question: Question, number = 1): Promise<BackEndAnswer> {
  const outcome = await ask(rig, question, number);
  if (outcome.ok) return outcome.value;
  throw new Error(`verify('${question.kind}') rejected: ${wordsOf(outcome.cause)}`, { cause: outcome.cause });
}

function checkAnswer(kind: string, answer: BackEndAnswer): void {
  given(typeof answer === 'object' && answer !== null, `the answer to ${kind} is no object`);
  if (!answer.ok) {
    given(DENIALS.has(answer.denial), `"${String(answer.denial)}" is no denial`);
    return;
  }
  given(typeof answer.identity === 'string' && answer.identity !== '', `the yes to ${kind} has no identity`);
  given(typeof answer.profile === 'object' && answer.profile !== null, `the yes to ${kind} has no profile`);
  given(typeof answer.grant === 'object' && answer.grant !== null, `the yes to ${kind} has no grant`);
  if (!kind.startsWith('ms-chap')) return;
  const { keys, authenticatorResponse } = answer.grant as Partial<Record<string, unknown>>;
  const { send, receive } = (keys ?? {}) as Partial<Record<string, unknown>>;
  given(isKey(send) && isKey(receive), `the grant of ${kind} needs keys of 16 octets, send and receive`);
  if (!kind.startsWith('ms-chap-v2')) return;
  given(
    typeof authenticatorResponse === 'string' && /^S=[0-9A-F]{40}$/.test(authenticatorResponse),
    'the authenticator response is "S=" and 40 upper-case hexadecimal digits (RFC 2759 section 5)',
  );
}

const isKey = (value: unknown): boolean => value instanceof Uint8Array && value.length === 16;

const transcriptOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? toHex(part) : part)) ?? '';

const hidden = (words: string, secret: string): string => words.replaceAll(secret, '(the secret)');
