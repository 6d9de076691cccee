import { toHex } from '../../core/bytes/hex.ts';
import type { AuthContext, AuthEffect, Authenticator, AuthInput, AuthMethod, AuthRole } from '../../core/ports/auth.ts';
import { type Instant, instant } from '../../core/time.ts';
import { type AuthExchange, authExchange, computed, spins } from '../exchange.ts';
import { MemoryUsers } from '../lab/memory-users.ts';
import { seededRandom } from '../lab/seeded-random.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { given, present, same, withoutThrowing } from '../support/given.ts';
import type { Credentials } from '../support/proofs.ts';

export interface AuthMethodRig {
  readonly method: AuthMethod;
  /** The other end, where `method` plays the authenticator only; without one nobody talks to it. */
  readonly peer?: AuthMethod;
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

export const ALICE: Credentials = { userName: 'alice', password: 'wonderland' };
const MRU = 1400;
const STEPS = 40;
const HOUR_MS = 3_600_000;
/** Of an authenticator that nobody answers, in an hour. */
const MOST_FRAMES = 2000;

type Ended = Extract<AuthEffect, { readonly kind: 'accept' }>;

/** What an authentication method must do on the wire, in both roles. */
export const authMethodContract = (name: string, setup: () => AuthMethodRig): ContractSuite =>
  suite(`AuthMethod: ${name}`, {
    'has a name, an LCP option and protocols that agree': () => {
      const { method } = setup();
      const { lcpOption, protocols } = method;
      given(/^[a-z][a-z0-9-]*$/.test(method.name), `"${method.name}" is no name: lower-case and hyphens`);
      given(lcpOption.length >= 2 && lcpOption.length <= 253, 'the LCP option begins with a protocol of 2 octets');
      const protocol = ((lcpOption[0] ?? 0) << 8) | (lcpOption[1] ?? 0);
      given(protocols.includes(protocol), `protocols does not have ${protocol.toString(16)} of the LCP option`);
      for (const one of protocols) given(Number.isInteger(one) && one > 0 && one < 0x10000, `${one} is no protocol`);
      given(Number.isFinite(method.preference), 'the preference is no number');
    },

    'lets in who has the right password, and both sides know it': async () => {
      const rig = setup();
      if (!talks(rig)) return;
      const { outcomes, lines } = await dialogue(rig);
      for (const side of ['authenticator', 'peer'] as const) {
        given(outcomes[side]?.kind === 'accept', `the ${side} did not accept:\n${lines.join('\n')}`);
      }
    },

    'turns away who has a wrong one, and both sides know it': async () => {
      const rig = setup();
      if (!talks(rig) || rig.byPassword === false) return;
      const { outcomes, lines } = await dialogue(rig, { ...(rig.user ?? ALICE), password: 'a wrong one' });
      for (const side of ['authenticator', 'peer'] as const) {
        given(outcomes[side]?.kind === 'reject', `the ${side} did not reject:\n${lines.join('\n')}`);
      }
    },

    'gives keys if it says that it yields keys, and only then; those of both sides fit': async () => {
      const rig = setup();
      if (!talks(rig)) return;
      const { outcomes } = await dialogue(rig);
      const [server, client] = [accepted(outcomes.authenticator), accepted(outcomes.peer)];
      if (!rig.method.yieldsKeys) {
        given(server.keys === undefined && client.keys === undefined, 'there are keys, but yieldsKeys is false');
        return;
      }
      const [ours, theirs] = [present(server.keys, 'there are no keys'), present(client.keys, 'the peer has no keys')];
      for (const key of [ours.send, ours.receive]) given(key.length === 16, `a key has ${key.length} octets, not 16`);
      same(toHex(ours.send), toHex(theirs.receive), 'what the authenticator sends with is not what the peer expects');
      same(toHex(ours.receive), toHex(theirs.send), 'what the peer sends with is not what the authenticator expects');
    },

    'says the same in every run with the same random octets': async () => {
      const rigs = [setup(), setup()];
      const [one, two] = await Promise.all(rigs.filter(talks).map((rig) => dialogue(rig)));
      // Handshakes of TLS take octets of their own.
      if (one === undefined || two === undefined || usesTasks(one)) return;
      same(one.lines, two.lines, 'two runs differ: something besides context.random is random');
    },

    'keeps exchanges apart that go on at the same time': async () => {
      const rig = setup();
      if (!talks(rig)) return;
      const wrong = { ...(rig.user ?? ALICE), password: 'a wrong one' };
      const both = await Promise.all([dialogue(rig), dialogue(rig, wrong), dialogue(rig), dialogue(rig, wrong)]);
      same(
        both.map(({ outcomes }) => outcomes.authenticator?.kind),
        rig.byPassword === false ? both.map(() => 'accept') : ['accept', 'reject', 'accept', 'reject'],
        'exchanges at the same time disturb each other',
      );
    },

    'takes any octets at any time as authenticator, and lets nobody in for them': async () => {
      const rig = setup();
      const known = talks(rig) ? (await dialogue(rig)).frames.map(({ bytes }) => bytes) : [];
      for (let round = 0; round < (rig.rounds ?? 100); round += 1) {
        await anything(rig.method, 'authenticator', round, known);
      }
    },

    'takes any octets at any time as peer': async () => {
      const rig = setup();
      if (rig.canBePeer === false) return;
      const known = talks(rig) ? (await dialogue(rig)).frames.map(({ bytes }) => bytes) : [];
      for (let round = 0; round < (rig.rounds ?? 100); round += 1) await anything(rig.method, 'peer', round, known);
    },

    'comes to an end, or to silence, where nobody answers': () => {
      const { method } = setup();
      const machine = method.begin(contextFor('authenticator', 1));
      let frames = machine.handle({ kind: 'start' }, instant(0)).length;
      for (let next = machine.nextTimeout(); next !== undefined && next < HOUR_MS; next = machine.nextTimeout()) {
        frames += machine.handleTimeout(next).length;
        given(frames <= MOST_FRAMES, `more than ${MOST_FRAMES} effects in an hour without an answer`);
        given(!spins(machine, next), `nextTimeout() is ${String(machine.nextTimeout())} after handleTimeout(${next})`);
      }
    },

    'does only what is due when it is woken early': () => {
      const { method } = setup();
      const machine = method.begin(contextFor('authenticator', 1));
      machine.handle({ kind: 'start' }, instant(1_000));
      const next = machine.nextTimeout();
      if (next === undefined || next <= 1_001) return;
      same(machine.handleTimeout(instant(1_001)), [], `it did something before ${next}`);
      same(machine.nextTimeout(), next, 'being woken early moved its deadline');
    },
  });

const talks = ({ peer, canBePeer = true }: AuthMethodRig): boolean => peer !== undefined || canBePeer;

const usesTasks = ({ lines }: AuthExchange): boolean => lines.some((line) => line.endsWith(' computes'));

function dialogue(rig: AuthMethodRig, credentials: Credentials = rig.user ?? ALICE): Promise<AuthExchange> {
  const { method, peer = method, user = ALICE } = rig;
  const { backEnd = new MemoryUsers({ [user.userName]: { password: user.password } }) } = rig;
  return authExchange({ authenticator: method, peer, credentials, backEnd, mru: MRU });
}

function accepted(outcome: AuthEffect | undefined): Ended {
  if (outcome?.kind !== 'accept') throw new Error('it was not accepted');
  return outcome;
}

const contextFor = (role: AuthRole, seed: number): AuthContext => ({
  role,
  localName: role === 'peer' ? ALICE.userName : 'gateway',
  ...(role === 'peer' ? { password: ALICE.password } : {}),
  random: seededRandom(seed),
  mru: MRU,
});

/** One exchange with somebody who sends anything: octets without sense, frames that were right once, damaged ones. */
async function anything(method: AuthMethod, role: AuthRole, seed: number, known: readonly Uint8Array[]): Promise<void> {
  const dice = new Dice(seed + 1);
  const machine = method.begin(contextFor(role, seed + 1));
  let now: Instant = instant(0);
  let computedWell = false;
  const inputs: AuthInput[] = dice.happens(0.9) ? [{ kind: 'start' }] : [];
  for (let step = 0; step < STEPS; step += 1) {
    const input = inputs.shift() ?? nextInput(dice, method, known);
    now = instant(now + dice.number(0, 2_000));
    const effects = withoutThrowing(`handle(${input === 'time' ? input : input.kind}) as ${role}, round ${seed}`, () =>
      input === 'time' ? machine.handleTimeout(now) : machine.handle(input, now),
    );
    if (input !== 'time' && input.kind === 'frame') input.bytes.fill(0xff);
    for (const effect of effects) {
      checkEffect(method, effect);
      if (effect.kind === 'verify') {
        inputs.push({ kind: 'verdict', verdict: { ok: false, denial: 'bad-credentials' } });
      } else if (effect.kind === 'compute') {
        const result = await computed(effect.task);
        computedWell ||= result.result.ok;
        inputs.push(result);
      } else if (effect.kind === 'accept' && role === 'authenticator') {
        given(computedWell, `round ${seed}: it let somebody in whom nobody had proven`);
      }
    }
    given(input !== 'time' || !spins(machine, now), `nextTimeout() stays at or before ${now} after handleTimeout`);
  }
}

function nextInput(dice: Dice, method: AuthMethod, known: readonly Uint8Array[]): AuthInput | 'time' {
  const chance = dice.number(0, 9);
  if (chance === 0) return 'time';
  if (chance === 1) return { kind: 'network-started' };
  const protocol = dice.happens(0.9) ? dice.pick(method.protocols) : dice.number(0, 0xffff);
  return { kind: 'frame', protocol, bytes: anyBytes(dice, known) };
}

/** Octets: of something known, cut, damaged or whole; or without sense, often with a length that fits. */
export function anyBytes(dice: Dice, known: readonly Uint8Array[]): Uint8Array {
  if (known.length > 0 && dice.happens(0.6)) {
    const bytes = dice.pick(known).slice();
    if (dice.happens(0.3)) return bytes.slice(0, dice.number(0, bytes.length));
    for (let n = dice.number(0, 3); n > 0 && bytes.length > 0; n -= 1) {
      bytes[dice.number(0, bytes.length - 1)] = dice.number(0, 255);
    }
    return bytes;
  }
  const bytes = dice.bytes(dice.happens(0.9) ? dice.number(0, 64) : dice.number(0, MRU));
  if (bytes.length >= 4 && dice.happens(0.5)) {
    bytes[0] = dice.number(1, 4);
    bytes[2] = bytes.length >> 8;
    bytes[3] = bytes.length & 0xff;
  }
  return bytes;
}

function checkEffect({ protocols, yieldsKeys }: AuthMethod, effect: AuthEffect): void {
  if (effect.kind === 'send') {
    given(protocols.includes(effect.protocol), `it sent a frame of the protocol ${effect.protocol.toString(16)}`);
    given(effect.bytes.length <= MRU, `it sent ${effect.bytes.length} octets where ${MRU} fit`);
  } else if (effect.kind === 'accept') {
    given(yieldsKeys || effect.keys === undefined, 'it gave keys, but yieldsKeys is false');
  }
}
