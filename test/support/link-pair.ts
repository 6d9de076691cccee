import { PppLink } from '../../core/machine/ppp-link.ts';
import type { LinkEffect, LinkInput, LinkOptions, NetworkProfile } from '../../core/machine/ppp-link-types.ts';
import type { AuthVerdict, VerifyEffect } from '../../core/ports/auth.ts';
import { after, earliest, type Instant, instant } from '../../core/time.ts';
import { clientOptions, PROFILE, serverOptions } from './link-options.ts';
import { ORIGIN } from './proof-origin.ts';
import { seededRandom } from './seeded-random.ts';

export type Side = 'server' | 'client';
type EffectOf<K extends LinkEffect['kind']> = Extract<LinkEffect, { readonly kind: K }>;

/** What the path between the two ends does to frames; probabilities from 0 to 1. */
export interface Path {
  readonly latencyMs: number;
  /** Added at random, so that frames overtake each other. */
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
}

export interface PairOptions {
  readonly server?: Partial<LinkOptions>;
  readonly client?: Partial<LinkOptions>;
  readonly path?: Partial<Path>;
  readonly seed?: number;
  readonly profile?: NetworkProfile;
  readonly verify?: (request: VerifyEffect) => AuthVerdict;
  /** Sees every frame that enters the path; false swallows it. */
  readonly filter?: (from: Side, protocol: number, bytes: Uint8Array) => boolean;
}

interface InFlight {
  readonly at: Instant;
  readonly to: Side;
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

const passwordVerdict = (request: VerifyEffect): AuthVerdict =>
  request.method === 'test-password' && request.request.password === 'secret'
    ? { ok: true, identity: request.request.userName, profile: {}, grant: { granted: true } }
    : { ok: false, denial: 'bad-credentials' };

/** One end: the machine and everything it ever said. */
export class LinkEnd {
  readonly link: PppLink;
  readonly effects: LinkEffect[] = [];

  constructor(options: LinkOptions) {
    this.link = new PppLink(options);
  }

  all<K extends LinkEffect['kind']>(kind: K): EffectOf<K>[] {
    return this.effects.filter((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  last<K extends LinkEffect['kind']>(kind: K): EffectOf<K> | undefined {
    return this.all(kind).at(-1);
  }

  get network(): EffectOf<'network'>['network'] {
    return this.last('network')?.network;
  }

  get encryption(): EffectOf<'encryption'>['parameters'] {
    return this.last('encryption')?.parameters;
  }

  get closed(): EffectOf<'closed'> | undefined {
    return this.last('closed');
  }

  /** "lcp begin", "lcp done", "auth failed authentication-failed", ... */
  get phases(): string[] {
    return this.all('phase').map((effect) =>
      effect.state === 'failed' ? `${effect.phase} failed ${effect.error}` : `${effect.phase} ${effect.state}`,
    );
  }
}

/** A server and a client link joined by a path, in virtual time. The gateway's part is played by the pair. */
export class LinkPair {
  readonly server: LinkEnd;
  readonly client: LinkEnd;
  readonly #path: Path;
  readonly #options: PairOptions;
  readonly #random: () => number;
  #flight: InFlight[] = [];
  #computing: Promise<void>[] = [];
  #now = instant(0);

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.#path = { latencyMs: 10, jitterMs: 0, loss: 0, duplication: 0, ...options.path };
    const source = seededRandom(options.seed ?? 5);
    this.#random = () => {
      const [high = 0, low = 0] = source.bytes(2);
      return (high * 256 + low) / 65_536;
    };
    this.server = new LinkEnd(serverOptions(options.server));
    this.client = new LinkEnd(clientOptions(options.client));
  }

  get now(): Instant {
    return this.#now;
  }

  open(): this {
    this.input('server', { kind: 'open' });
    this.input('client', { kind: 'open' });
    return this;
  }

  input(side: Side, input: LinkInput): void {
    this.#execute(side, this[side].link.handle(input, this.#now));
  }

  /** Runs for so many ms of virtual time. */
  run(ms: number): this {
    const end = after(this.#now, ms);
    for (;;) {
      const next = this.#nextEvent();
      if (next === undefined || next > end) break;
      if (next > this.#now) this.#now = next;
      this.#step();
    }
    this.#now = end;
    return this;
  }

  /** The same for links whose methods compute: no time passes while one does. */
  async runComputing(ms: number): Promise<this> {
    const end = after(this.#now, ms);
    for (;;) {
      while (this.#computing.length > 0) await Promise.all(this.#computing.splice(0));
      const next = this.#nextEvent();
      if (next === undefined || next > end) break;
      if (next > this.#now) this.#now = next;
      this.#step();
    }
    this.#now = end;
    return this;
  }

  #nextEvent(): Instant | undefined {
    let next = earliest(this.server.link.nextTimeout(), this.client.link.nextTimeout());
    for (const { at } of this.#flight) next = earliest(next, at);
    return next;
  }

  #step(): void {
    const due = this.#flight.filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at);
    this.#flight = this.#flight.filter(({ at }) => at > this.#now);
    for (const { to, protocol, bytes } of due) this.input(to, { kind: 'frame', protocol, bytes });
    for (const side of ['server', 'client'] as const) {
      const at = this[side].link.nextTimeout();
      if (at !== undefined && at <= this.#now) this.#execute(side, this[side].link.handleTimeout(this.#now));
    }
  }

  #execute(side: Side, effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      this[side].effects.push(effect);
      if (effect.kind === 'send') this.#send(side, effect.protocol, effect.bytes);
      else if (effect.kind === 'verify') {
        const verdict = (this.#options.verify ?? passwordVerdict)(effect);
        this.input(side, { kind: 'verdict', verdict });
      } else if (effect.kind === 'compute') {
        const done = effect.task(new AbortController().signal, ORIGIN).then(
          (value) => this.input(side, { kind: 'computed', result: { ok: true, value } }),
          () => this.input(side, { kind: 'computed', result: { ok: false } }),
        );
        this.#computing.push(done);
      } else if (effect.kind === 'authenticated') {
        this.input(side, { kind: 'authorize', profile: this.#options.profile ?? PROFILE });
      }
    }
  }

  #send(from: Side, protocol: number, bytes: Uint8Array): void {
    if (this.#options.filter?.(from, protocol, bytes) === false) return;
    const copies = this.#random() < this.#path.duplication ? 2 : 1;
    for (let i = 0; i < copies; i += 1) {
      if (this.#random() < this.#path.loss) continue;
      const delay = this.#path.latencyMs + this.#random() * this.#path.jitterMs;
      const to = from === 'server' ? 'client' : 'server';
      this.#flight.push({ at: after(this.#now, delay), to, protocol, bytes: bytes.slice() });
    }
  }
}
