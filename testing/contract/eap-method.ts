import type { Authenticator, AuthRole } from '../../core/ports/auth.ts';
import type { EapContext, EapEffect, EapInput, EapMethod } from '../../core/ports/eap.ts';
import { type Instant, instant } from '../../core/time.ts';
import { eapMethod } from '../../plugins/auth-eap/index.ts';
import { authExchange, computed, spins } from '../exchange.ts';
import { MemoryUsers } from '../lab/memory-users.ts';
import { seededRandom } from '../lab/seeded-random.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { given, same, withoutThrowing } from '../support/given.ts';
import type { Credentials } from '../support/proofs.ts';
import { ALICE, anyBytes, authMethodContract } from './auth-method.ts';

export interface EapMethodRig {
  readonly method: EapMethod;
  /** The other end, where `method` plays the authenticator only; without one nobody talks to it. */
  readonly peer?: EapMethod;
  /** False: `method` has no role `peer`, and there is no other end. */
  readonly canBePeer?: boolean;
  /** A user whose proof is right; default alice with the password wonderland. */
  readonly user?: Credentials;
  /** False: the proof is no password (certificates), and nobody is turned away for a wrong one. */
  readonly byPassword?: boolean;
  /** Knows that user; default: a back-end in memory. */
  readonly backEnd?: Authenticator;
  /** How often random input is tried; default 100. */
  readonly rounds?: number;
}

const ROOM = 1300;
const LITTLE_ROOM = 120;
const STEPS = 30;
/** EAP Types of RFC 3748 section 5 that belong to the host. */
const LEAST_TYPE = 4;
/** Code, Identifier, Length and Type. */
const HEADER = 5;

/**
 * What an EAP method must do: what every authentication method must do when it is the only method of the gateway's EAP
 * host, and what concerns its type data alone.
 */
export const eapMethodContract = (name: string, setup: () => EapMethodRig): ContractSuite => {
  const inHost = authMethodContract(name, () => {
    const { method, peer, ...rig } = setup();
    return { ...rig, method: eapMethod([method]), ...(peer === undefined ? {} : { peer: eapMethod([peer]) }) };
  });
  const own = suite(`EapMethod: ${name}`, {
    'has a name and a type': () => {
      const { method } = setup();
      given(/^[a-z][a-z0-9-]*$/.test(method.name), `"${method.name}" is no name: lower-case and hyphens`);
      given(
        Number.isInteger(method.type) && method.type >= LEAST_TYPE && method.type <= 255,
        `${method.type} is no EAP Type of a method (RFC 3748 section 5): 4 to 255`,
      );
    },

    'begins as authenticator with one message, or with work': () => {
      const effects = begin(setup().method, 'authenticator', ROOM, 1).handle({ kind: 'start' }, instant(0));
      const first = effects.filter(({ kind }) => kind === 'message' || kind === 'compute' || kind === 'verify');
      same(first.length, 1, 'the answer to "start" is one message, one task or one question');
    },

    'takes any type data at any time, in both roles, and keeps to its room': async () => {
      const rig = setup();
      const known = await typeDataOf(rig);
      const roles: readonly AuthRole[] = rig.canBePeer === false ? ['authenticator'] : ['authenticator', 'peer'];
      for (const role of roles) {
        for (let round = 0; round < (rig.rounds ?? 100); round += 1) await anything(rig.method, role, round, known);
      }
    },
  });
  const inTheHost = inHost.checks.map((check) => ({ ...check, name: `in the EAP host: ${check.name}` }));
  return { name: own.name, checks: [...own.checks, ...inTheHost] };
};

const begin = (method: EapMethod, role: AuthRole, room: number, seed: number) => {
  const context: EapContext = {
    role,
    localName: role === 'peer' ? ALICE.userName : 'gateway',
    ...(role === 'peer' ? { password: ALICE.password } : {}),
    identity: ALICE.userName,
    room,
    random: seededRandom(seed),
  };
  return method.begin(context);
};

/** Type data of an exchange that went well, to damage it. */
async function typeDataOf({ method, peer, canBePeer, user = ALICE, backEnd }: EapMethodRig) {
  if (peer === undefined && canBePeer === false) return [];
  const { frames } = await authExchange({
    authenticator: eapMethod([method]),
    peer: eapMethod([peer ?? method]),
    credentials: user,
    backEnd: backEnd ?? new MemoryUsers({ [user.userName]: { password: user.password } }),
  });
  return frames.filter(({ bytes }) => bytes[4] === method.type).map(({ bytes }) => bytes.slice(HEADER));
}

async function anything(method: EapMethod, role: AuthRole, seed: number, known: readonly Uint8Array[]): Promise<void> {
  const dice = new Dice(seed + 1);
  const room = dice.happens(0.7) ? ROOM : LITTLE_ROOM;
  const machine = begin(method, role, room, seed + 1);
  let now: Instant = instant(0);
  let computedWell = false;
  const inputs: EapInput[] = role === 'authenticator' ? [{ kind: 'start' }] : [];
  for (let step = 0; step < STEPS; step += 1) {
    const input = inputs.shift() ?? nextInput(dice, known);
    now = instant(now + dice.number(0, 2_000));
    const what = input === 'time' ? input : input.kind;
    const effects = withoutThrowing(`handle(${what}) as ${role}, round ${seed}`, () =>
      input === 'time' ? machine.handleTimeout(now) : machine.handle(input, now),
    );
    if (input !== 'time' && input.kind === 'message') input.bytes.fill(0xff);
    for (const effect of effects) {
      checkEffect(method, effect, room);
      if (effect.kind === 'verify') {
        inputs.push({ kind: 'verdict', verdict: { ok: false, denial: 'bad-credentials' } });
      } else if (effect.kind === 'compute') {
        const result = await computed(effect.task);
        computedWell ||= result.result.ok;
        inputs.push(result);
      } else if (effect.kind === 'done' && role === 'authenticator') {
        given(computedWell, `round ${seed}: it let somebody in whom nobody had proven`);
      }
    }
    given(input !== 'time' || !spins(machine, now), `nextTimeout() stays at or before ${now} after handleTimeout`);
  }
}

const nextInput = (dice: Dice, known: readonly Uint8Array[]): EapInput | 'time' =>
  dice.happens(0.15)
    ? 'time'
    : { kind: 'message', identifier: dice.number(0, 255), bytes: anyBytes(dice, known).slice(0, ROOM) };

function checkEffect({ yieldsKeys }: EapMethod, effect: EapEffect, room: number): void {
  if (effect.kind === 'message') {
    given(effect.bytes.length <= room, `it sent ${effect.bytes.length} octets of type data where ${room} fit`);
  } else if (effect.kind === 'done') {
    given(yieldsKeys || effect.keys === undefined, 'it gave keys, but yieldsKeys is false');
  }
}
