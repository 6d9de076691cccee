import { toHex } from '../core/bytes/hex.ts';
import type { Machine } from '../core/machine/machine.ts';
import type {
  AuthEffect,
  Authenticator,
  AuthInput,
  AuthMethod,
  AuthVerdict,
  ComputeEffect,
  VerifyEffect,
} from '../core/ports/auth.ts';
import { earliest, type Instant, instant } from '../core/time.ts';
import { seededRandom } from './lab/seeded-random.ts';
import type { Credentials } from './support/proofs.ts';
import { testOrigin } from './support/sessions.ts';

export type AuthSide = 'authenticator' | 'peer';
export type AuthOutcome = Extract<AuthEffect, { readonly kind: 'accept' | 'reject' }>;

export interface AuthExchangeOptions {
  readonly authenticator: AuthMethod;
  /** Default: the same method in the role `peer`. */
  readonly peer?: AuthMethod;
  /** Who the peer says it is, and the password that it has. */
  readonly credentials: Credentials;
  readonly backEnd: Authenticator;
  readonly seed?: number;
  /** Information fields that fit the link, in octets. */
  readonly mru?: number;
  /** Sees each frame on its way; what it returns arrives instead, and undefined loses it. */
  readonly path?: (from: AuthSide, protocol: number, bytes: Uint8Array) => Uint8Array | undefined;
}

export interface AuthExchange {
  /** "authenticator sends c227 010100...", "authenticator asks pap", "peer accepts alice": in order. */
  readonly lines: readonly string[];
  /** The octets that each side sent, in order. */
  readonly frames: readonly { readonly from: AuthSide; readonly protocol: number; readonly bytes: Uint8Array }[];
  /** How each side saw the end; undefined: it saw none. */
  readonly outcomes: Readonly<Record<AuthSide, AuthOutcome | undefined>>;
}

type AuthMachine = Machine<AuthInput, AuthEffect>;
type Delivery = { readonly to: AuthSide; readonly input: AuthInput };

const LIMIT_MS = 120_000;
const MOST_STEPS = 10_000;

/** Lets both sides of a method talk in virtual time, with a back-end, until neither has anything left to do. */
export async function authExchange(options: AuthExchangeOptions): Promise<AuthExchange> {
  const exchange = new Exchange(options);
  await exchange.run();
  return exchange;
}

const beginAs = (options: AuthExchangeOptions, side: AuthSide): AuthMachine => {
  const { authenticator, peer = authenticator, credentials, seed = 1, mru } = options;
  const limits = mru === undefined ? {} : { mru };
  if (side === 'authenticator') {
    return authenticator.begin({ role: side, localName: 'gateway', random: seededRandom(seed), ...limits });
  }
  const { userName: localName, password } = credentials;
  return peer.begin({ role: side, localName, password, random: seededRandom(seed + 1000), ...limits });
};

class Exchange implements AuthExchange {
  readonly lines: string[] = [];
  readonly frames: { readonly from: AuthSide; readonly protocol: number; readonly bytes: Uint8Array }[] = [];
  readonly outcomes: Record<AuthSide, AuthOutcome | undefined> = { authenticator: undefined, peer: undefined };
  private readonly machines: Readonly<Record<AuthSide, AuthMachine>>;
  private readonly options: AuthExchangeOptions;
  private readonly queue: Delivery[] = [
    { to: 'peer', input: { kind: 'start' } },
    { to: 'authenticator', input: { kind: 'start' } },
  ];
  private now = instant(0);

  constructor(options: AuthExchangeOptions) {
    this.options = options;
    this.machines = { authenticator: beginAs(options, 'authenticator'), peer: beginAs(options, 'peer') };
  }

  async run(): Promise<void> {
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const next = this.queue.shift();
      if (next !== undefined) await this.deliver(next);
      else if (this.isOver() || !(await this.passTime())) return;
    }
    throw new Error('the exchange does not come to an end');
  }

  private isOver(): boolean {
    return this.outcomes.authenticator !== undefined && this.outcomes.peer !== undefined;
  }

  private async passTime(): Promise<boolean> {
    const { authenticator, peer } = this.machines;
    const next = earliest(authenticator.nextTimeout(), peer.nextTimeout());
    if (next === undefined || next > LIMIT_MS) return false;
    this.now = instant(Math.max(next, this.now));
    for (const side of ['authenticator', 'peer'] as const) {
      await this.perform(side, this.machines[side].handleTimeout(this.now));
    }
    return true;
  }

  private async deliver({ to, input }: Delivery): Promise<void> {
    const effects = this.machines[to].handle(input, this.now);
    // Octets of frames are borrowed until return.
    if (input.kind === 'frame') input.bytes.fill(0xff);
    await this.perform(to, effects);
  }

  private async perform(side: AuthSide, effects: readonly AuthEffect[]): Promise<void> {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.send(side, effect.protocol, effect.bytes);
          break;
        case 'verify':
          this.lines.push(`${side} asks ${effect.method}`);
          this.queue.push({ to: side, input: { kind: 'verdict', verdict: await this.verdict(effect) } });
          break;
        case 'compute':
          this.lines.push(`${side} computes`);
          this.queue.push({ to: side, input: await computed(effect.task) });
          break;
        case 'attempt-failed':
          this.lines.push(`${side} counts a failure of ${effect.identity}: ${effect.denial}`);
          break;
        case 'accept':
          this.lines.push(`${side} accepts ${effect.identity}`);
          this.outcomes[side] ??= effect;
          break;
        case 'reject':
          this.lines.push(`${side} rejects ${effect.identity}: ${effect.denial}`);
          this.outcomes[side] ??= effect;
          break;
      }
    }
  }

  private send(from: AuthSide, protocol: number, bytes: Uint8Array): void {
    this.lines.push(`${from} sends ${protocol.toString(16)} ${toHex(bytes)}`);
    this.frames.push({ from, protocol, bytes: bytes.slice() });
    const { path = (_from, _protocol, whole) => whole } = this.options;
    const arriving = path(from, protocol, bytes.slice());
    const to = from === 'peer' ? 'authenticator' : 'peer';
    if (arriving !== undefined) this.queue.push({ to, input: { kind: 'frame', protocol, bytes: arriving.slice() } });
  }

  private async verdict({ method, request }: VerifyEffect): Promise<AuthVerdict> {
    const { backEnd } = this.options;
    if (!backEnd.supports(method)) return { ok: false, denial: 'unavailable' };
    const answer = await backEnd.verify(method, request, new AbortController().signal, testOrigin());
    return answer.ok || answer.denial !== 'unknown-user' ? answer : { ok: false, denial: 'bad-credentials' };
  }
}

export const computed = async (task: ComputeEffect['task']): Promise<ComputedInput> => {
  try {
    return { kind: 'computed', result: { ok: true, value: await task(new AbortController().signal, testOrigin()) } };
  } catch {
    return { kind: 'computed', result: { ok: false } };
  }
};
type ComputedInput = Extract<AuthInput, { readonly kind: 'computed' }>;

/** When a machine's timers lead nowhere: it wants to be woken at or before the time at which it was. */
export const spins = <I, E>(machine: Machine<I, E>, now: Instant): boolean => {
  const next = machine.nextTimeout();
  return next !== undefined && next <= now;
};
