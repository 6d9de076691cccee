import { toHex } from '../../core/bytes/hex.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthEffect, AuthInput, AuthMethod, AuthVerdict, VerifyEffect } from '../../core/ports/auth.ts';
import { instant } from '../../core/time.ts';
import { countingRandom } from './counting-random.ts';

export type AuthMachine = Machine<AuthInput, AuthEffect>;

export const asAuthenticator = (method: AuthMethod): AuthMachine =>
  method.begin({ role: 'authenticator', localName: 'gw', random: countingRandom(0x40) });

export const asPeer = (method: AuthMethod, password: string, newPassword?: string): AuthMachine =>
  method.begin({
    role: 'peer',
    localName: 'vpnuser',
    password,
    ...(newPassword === undefined ? {} : { newPassword }),
    random: countingRandom(0x90),
  });

/** One machine and the frames of one protocol. */
export const driving = (machine: AuthMachine, protocol: number) => ({
  start: (): readonly AuthEffect[] => machine.handle({ kind: 'start' }, instant(0)),
  feed: (bytes: Uint8Array, ms = 0): readonly AuthEffect[] =>
    machine.handle({ kind: 'frame', protocol, bytes }, instant(ms)),
  judge: (verdict: AuthVerdict, ms = 0): readonly AuthEffect[] =>
    machine.handle({ kind: 'verdict', verdict }, instant(ms)),
  pass: (ms: number): readonly AuthEffect[] => machine.handleTimeout(instant(ms)),
});

export const kinds = (effects: readonly AuthEffect[]): string[] => effects.map((effect) => effect.kind);

/** The octets of the one frame sent. */
export const sent = (effects: readonly AuthEffect[]): Uint8Array => {
  const frames = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.bytes] : []));
  if (frames.length !== 1 || frames[0] === undefined) throw new Error(`${frames.length} frames were sent`);
  return frames[0];
};

export type Outcome = Extract<AuthEffect, { readonly kind: 'accept' | 'reject' }>;

export interface Dialogue {
  /** "authenticator 01..." in the order sent: who, and the frame in hexadecimal. */
  readonly frames: readonly string[];
  readonly authenticator: readonly AuthEffect[];
  readonly peer: readonly AuthEffect[];
  /** How each side sees the end. */
  readonly outcomes: { readonly authenticator: Outcome | undefined; readonly peer: Outcome | undefined };
}

const outcome = (effects: readonly AuthEffect[]): Outcome | undefined =>
  effects.find((effect): effect is Outcome => effect.kind === 'accept' || effect.kind === 'reject');

/** Joins the two roles until nobody has anything to say. */
export const talk = (
  authenticator: AuthMachine,
  peer: AuthMachine,
  verify: (effect: VerifyEffect) => AuthVerdict,
): Dialogue => {
  const machines = { authenticator, peer };
  const said: Record<'authenticator' | 'peer', AuthEffect[]> = { authenticator: [], peer: [] };
  const frames: string[] = [];
  const queue: { readonly to: 'authenticator' | 'peer'; readonly input: AuthInput }[] = [
    { to: 'peer', input: { kind: 'start' } },
    { to: 'authenticator', input: { kind: 'start' } },
  ];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { to: side, input } = next;
    for (const effect of machines[side].handle(input, instant(0))) {
      said[side].push(effect);
      if (effect.kind === 'verify') queue.push({ to: side, input: { kind: 'verdict', verdict: verify(effect) } });
      if (effect.kind !== 'send') continue;
      frames.push(`${side} ${toHex(effect.bytes)}`);
      const other = side === 'peer' ? 'authenticator' : 'peer';
      queue.push({ to: other, input: { kind: 'frame', protocol: effect.protocol, bytes: effect.bytes } });
    }
  }
  const outcomes = { authenticator: outcome(said.authenticator), peer: outcome(said.peer) };
  return { frames, authenticator: said.authenticator, peer: said.peer, outcomes };
};
