import { fromHex, toHex } from '../../core/bytes/hex.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthContext, AuthEffect, AuthInput, AuthRole, AuthVerdict } from '../../core/ports/auth.ts';
import type { EapMethod } from '../../core/ports/eap.ts';
import type { EapRelay } from '../../core/ports/eap-relay.ts';
import { after, instant } from '../../core/time.ts';
import { EAP_PROTOCOL } from '../../core/wire/eap.ts';
import { type EapOptions, eapMethod } from '../../plugins/auth-eap/index.ts';
import { countingRandom } from './counting-random.ts';
import { ORIGIN } from './proof-origin.ts';

/** One end of an EAP exchange fed by hand. Verbs return what was sent as hexadecimal, other effects by their kind. */
export class EapBench {
  readonly effects: AuthEffect[] = [];
  readonly #machine: Machine<AuthInput, AuthEffect>;
  #now = instant(0);

  /** The first Request of an authenticator has identifier 1. */
  constructor(
    role: AuthRole,
    methods: readonly EapMethod[],
    context: Partial<AuthContext> = {},
    options: EapOptions = {},
    relays: readonly EapRelay[] = [],
  ) {
    this.#machine = eapMethod(methods, options, relays).begin({
      role,
      localName: role === 'peer' ? 'alice' : 'gw',
      ...(role === 'peer' ? { password: 'secret' } : {}),
      random: countingRandom(0),
      ...context,
    });
  }

  start(): string[] {
    return this.input({ kind: 'start' });
  }

  /** Octets, or hexadecimal text with or without spaces. */
  frame(bytes: Uint8Array | string): string[] {
    const octets = typeof bytes === 'string' ? fromHex(bytes.replaceAll(' ', '')) : bytes;
    return this.input({ kind: 'frame', protocol: EAP_PROTOCOL, bytes: octets });
  }

  verdict(verdict: AuthVerdict): string[] {
    return this.input({ kind: 'verdict', verdict });
  }

  /** Runs the one task that is due, and gives its result to the machine. */
  async compute(): Promise<string[]> {
    const effect = this.effects.findLast((one) => one.kind === 'compute');
    if (effect?.kind !== 'compute') throw new Error('there is nothing to compute');
    const value = await effect.task(new AbortController().signal, ORIGIN);
    return this.input({ kind: 'computed', result: { ok: true, value } });
  }

  input(input: AuthInput): string[] {
    return this.#keep(this.#machine.handle(input, this.#now));
  }

  /** Moves the clock, stopping at every deadline. */
  wait(ms: number): string[] {
    const end = after(this.#now, ms);
    const out: string[] = [];
    for (;;) {
      const next = this.#machine.nextTimeout();
      if (next === undefined || next > end) break;
      this.#now = next;
      out.push(...this.#keep(this.#machine.handleTimeout(this.#now)));
    }
    this.#now = end;
    return out;
  }

  get nextTimeout(): number | undefined {
    return this.#machine.nextTimeout();
  }

  #keep(effects: readonly AuthEffect[]): string[] {
    this.effects.push(...effects);
    return effects.map((effect) => (effect.kind === 'send' ? toHex(effect.bytes) : effect.kind));
  }
}
