import { fromHex, toHex } from '../../core/bytes/hex.ts';
import { PppLink } from '../../core/machine/ppp-link.ts';
import type { LinkEffect, LinkInput, LinkOptions } from '../../core/machine/ppp-link-types.ts';
import { after, type Instant, instant } from '../../core/time.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { CODE } from '../../core/wire/ppp-config.ts';
import { PROFILE } from './link-options.ts';

type EffectOf<K extends LinkEffect['kind']> = Extract<LinkEffect, { readonly kind: K }>;

/** One link fed by hand. Every verb returns what was sent, as "protocol hex", and keeps all effects. */
export class LinkBench {
  readonly #link: PppLink;
  readonly effects: LinkEffect[] = [];
  #now: Instant = instant(0);

  constructor(options: LinkOptions) {
    this.#link = new PppLink(options);
  }

  get now(): Instant {
    return this.#now;
  }

  get nextTimeout(): Instant | undefined {
    return this.#link.nextTimeout();
  }

  input(input: LinkInput): string[] {
    return this.#keep(this.#link.handle(input, this.#now));
  }

  open(): string[] {
    return this.input({ kind: 'open' });
  }

  /** `bytes` as octets or as hexadecimal text. */
  frame(protocol: number, bytes: Uint8Array | string | undefined): string[] {
    if (bytes === undefined) throw new Error('there is no such frame');
    return this.input({ kind: 'frame', protocol, bytes: typeof bytes === 'string' ? fromHex(bytes) : bytes });
  }

  /** The peer answers our last Configure-Request of a protocol with the same options. */
  acknowledge(protocol: number, code: number = CODE.configureAck): string[] {
    const bytes = this.lastRequest(protocol).slice();
    bytes[0] = code;
    return this.frame(protocol, bytes);
  }

  lastRequest(protocol: number): Uint8Array {
    const sent = this.all('send').findLast(
      (effect) => effect.protocol === protocol && effect.bytes[0] === CODE.configureRequest,
    );
    if (sent === undefined) throw new Error('no Configure-Request was sent');
    return sent.bytes;
  }

  /** Moves the clock, stopping at every deadline. */
  wait(ms: number): string[] {
    const end = after(this.#now, ms);
    const sent: string[] = [];
    for (;;) {
      const next = this.#link.nextTimeout();
      if (next === undefined || next > end) break;
      if (next > this.#now) this.#now = next;
      sent.push(...this.#keep(this.#link.handleTimeout(this.#now)));
    }
    this.#now = end;
    return sent;
  }

  all<K extends LinkEffect['kind']>(kind: K): EffectOf<K>[] {
    return this.effects.filter((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  get closed(): EffectOf<'closed'> | undefined {
    return this.all('closed').at(-1);
  }

  /** Names of the frames that changed nothing. */
  get ignored(): string[] {
    return this.all('ignored').map(({ why }) => why);
  }

  get phases(): string[] {
    return this.all('phase').map((effect) =>
      effect.state === 'failed' ? `${effect.phase} failed ${effect.error}` : `${effect.phase} ${effect.state}`,
    );
  }

  /** LCP Opened; the peer asked for MRU 1400, PFC and ACFC, and its magic number is 0x01020304. */
  toLcpOpened(): this {
    this.open();
    this.frame(PPP.lcp, `01 01 0012 0104 0578 0506 01020304 0702 0802`);
    this.acknowledge(PPP.lcp);
    return this;
  }

  /** A server whose peer has proved itself with the test's password method. */
  toAuthenticated(): this {
    this.toLcpOpened();
    this.frame(PPP.chap, '02 612f62');
    this.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    return this;
  }

  toNetwork(): this {
    this.toAuthenticated();
    this.input({ kind: 'authorize', profile: PROFILE });
    return this;
  }

  /** CCP Opened with MPPE-128 on a server that requires it; IPCP has just begun. */
  toEncrypted(): this {
    this.toNetwork();
    this.frame(PPP.ccp, '01 01 000a 1206 01000040');
    this.acknowledge(PPP.ccp);
    return this;
  }

  toUp(): this {
    this.toEncrypted();
    this.frame(PPP.ipcp, '01 01 000a 0306 0a4e010a');
    this.acknowledge(PPP.ipcp);
    return this;
  }

  #keep(effects: readonly LinkEffect[]): string[] {
    this.effects.push(...effects);
    return effects.flatMap((effect) =>
      effect.kind === 'send' ? [`${effect.protocol.toString(16)} ${toHex(effect.bytes)}`] : [],
    );
  }
}
