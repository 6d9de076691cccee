import { asciiBytes, asciiText } from '../../core/bytes/ascii.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { EapRelay, EapRelayAnswer, EapRelayRequest } from '../../core/ports/eap-relay.ts';
import { EAP_CODE, EAP_TYPE, parseEap, writeEap } from '../../core/wire/eap.ts';
import type { FakeClock } from '../lab/fake-clock.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { frozen } from '../support/frozen.ts';
import { given, outcomeOf, settled, withoutThrowing } from '../support/given.ts';
import { testPeerName, testSession } from '../support/sessions.ts';

export interface EapRelayRig {
  readonly relay: EapRelay;
  /** An identity that the other side knows; default alice. */
  readonly identity?: string;
  /** Makes the other side go silent. */
  silence?(): void;
  /** The clock that it was given, if it waits for anything by it. */
  readonly clock?: FakeClock;
  teardown?(): Promise<void>;
}

const ROUNDS = 20;
const PATIENCE_MS = 60_000;

/** What takes EAP elsewhere must do with what peers send. `setup` makes one of its own for each check. */
export const eapRelayContract = (name: string, setup: () => Promise<EapRelayRig>): ContractSuite => {
  const using = (work: (rig: EapRelayRig) => Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.teardown?.();
    }
  };

  return suite(`EapRelay: ${name}`, {
    'has a name': using(async ({ relay }) => {
      given(/^[a-z][a-z0-9-]*$/.test(relay.name), `"${relay.name}" is no name: lower-case and hyphens`);
    }),

    'answers an Identity with a Request, an end, or "not mine"': using(async (rig) => {
      const answer = await answerTo(rig, identity(rig, 1));
      checkAnswer(answer, true);
    }),

    'lets nobody in for octets without sense, and answers or rejects': using(async (rig) => {
      const dice = new Dice(13);
      for (let round = 1; round <= ROUNDS; round += 1) {
        const first = await answerTo(rig, identity(rig, round));
        if (first.kind !== 'challenge') continue;
        const { identifier } = parseEap(first.message) ?? { identifier: 0 };
        const data = dice.bytes(dice.number(0, 300));
        const type = dice.happens(0.5) ? (first.message[4] ?? 4) : dice.number(4, 255);
        const message = dice.happens(0.8)
          ? writeEap({ kind: 'response', identifier, type, data })
          : dice.bytes(dice.number(0, 60));
        const request = { ...identity(rig, round), message, state: first.state };
        const outcome = await ask(rig, request);
        if (!outcome.ok) continue;
        checkAnswer(outcome.value, false);
        given(outcome.value.kind !== 'accept', `round ${round}: octets without sense were accepted`);
      }
    }),

    'keeps exchanges apart that go on at the same time': using(async (rig) => {
      const numbers = Array.from({ length: 10 }, (_, n) => n + 1);
      const answers = await Promise.all(numbers.map((number) => answerTo(rig, identity(rig, number))));
      for (const answer of answers) checkAnswer(answer, true);
      const kinds = new Set(answers.map(({ kind }) => kind));
      given(kinds.size === 1, `the same question was answered differently: ${[...kinds].join(', ')}`);
    }),

    'ends when nobody wants the answer any more': using(async (rig) => {
      rig.silence?.();
      const controller = new AbortController();
      const waiting = start(rig, identity(rig, 1), controller.signal);
      await settled();
      controller.abort();
      await outcomeOf('a question that was called off', waiting);
    }),
  });
};

const identity = ({ identity: name = 'alice' }: EapRelayRig, number: number): EapRelayRequest => {
  const octets = asciiText(new TextEncoder().encode(name));
  const data = asciiBytes(octets);
  return {
    identity: octets,
    message: writeEap({ kind: 'response', identifier: number & 0xff, type: EAP_TYPE.identity, data }),
    state: undefined,
    session: testSession(number),
    peerName: testPeerName(number),
  };
};

const start = ({ relay }: EapRelayRig, request: EapRelayRequest, signal: CancelSignal): Promise<EapRelayAnswer> => {
  const answer: unknown = withoutThrowing('ask', () => relay.ask(frozen(request), signal));
  given(answer instanceof Promise, 'ask gave no promise');
  return answer as Promise<EapRelayAnswer>;
};

async function ask(rig: EapRelayRig, request: EapRelayRequest) {
  const outcome = outcomeOf('ask', start(rig, request, new AbortController().signal));
  if (rig.clock !== undefined) {
    await settled();
    await rig.clock.advance(PATIENCE_MS);
  }
  return outcome;
}

async function answerTo(rig: EapRelayRig, request: EapRelayRequest): Promise<EapRelayAnswer> {
  const outcome = await ask(rig, request);
  if (outcome.ok) return outcome.value;
  throw new Error(`ask rejected: ${String(outcome.cause)}`, { cause: outcome.cause });
}

function checkAnswer(answer: EapRelayAnswer, first: boolean): void {
  switch (answer.kind) {
    case 'challenge':
      given(isPacket(answer.message, EAP_CODE.request), 'the message of a challenge is no EAP Request');
      return;
    case 'accept':
      given(answer.identity !== '', 'an accept needs an identity');
      given(
        answer.message === undefined || isPacket(answer.message, EAP_CODE.success),
        'the message of an accept is no EAP Success',
      );
      return;
    case 'reject':
      given(
        answer.message === undefined || isPacket(answer.message, EAP_CODE.failure),
        'the message of a reject is no EAP Failure',
      );
      return;
    case 'not-mine':
      given(first, '"not-mine" is an answer to the first message only');
  }
}

/** Code and Length fit (RFC 3748 section 4). */
const isPacket = (message: Uint8Array, code: number): boolean =>
  message.length >= 4 && message[0] === code && ((message[2] ?? 0) << 8) + (message[3] ?? 0) === message.length;
