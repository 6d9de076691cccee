import { equalBytes, readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import { toHex } from '../bytes/hex.ts';
import type { AuthMethod } from '../ports/auth.ts';
import type { RandomSource } from '../ports/random.ts';
import { PPP } from '../wire/ppp.ts';
import type { ConfigOption } from '../wire/ppp-config.ts';
import type { LcpOptionsSnapshot } from './link-snapshot.ts';
import type { Failure, OptionHandler, OptionVerdict } from './negotiation-types.ts';
import type { LinkFraming, LinkOptions } from './ppp-link-types.ts';

/** LCP Configuration Option types (RFC 1661 section 6, RFC 1662 section 7.1). */
export const LCP_OPTION = { mru: 1, accm: 2, authentication: 3, quality: 4, magic: 5, pfc: 7, acfc: 8 } as const;

/** What a link that has not said otherwise can take (RFC 1661 section 6.1). */
export const DEFAULT_MRU = 1500;
const SMALLEST_MRU = 128;
const LOOPED: Failure = { reason: 'loopback', detail: 'our own Configure-Requests come back: the link is looped' };
const NO_VALUE = new Uint8Array(0);

interface Methods {
  /** Strongest first. */
  readonly offered: readonly AuthMethod[];
  readonly keyless: readonly AuthMethod[];
}

/** By the options, which very many links share. */
const methodsBy = new WeakMap<LinkOptions, Methods>();

const methodsOf = (options: LinkOptions): Methods => {
  const known = methodsBy.get(options) ?? chooseMethods(options);
  methodsBy.set(options, known);
  return known;
};

const chooseMethods = ({ authMethods, encryption }: LinkOptions): Methods => {
  const methods = [...authMethods].sort((a, b) => b.preference - a.preference);
  // A password must not cross the line for a link that is then refused for want of keys. A configuration without any
  // other method is refused after authentication: an empty list would mean that none is needed.
  const keyed = methods.filter((method) => method.yieldsKeys);
  const offered = encryption === 'required' && keyed.length > 0 ? keyed : methods;
  return { offered, keyless: methods.filter((method) => !offered.includes(method)) };
};

/** The meaning of LCP's options, for either role. Everything we do not know is rejected. */
export class LcpOptions implements OptionHandler {
  readonly #options: LinkOptions;
  readonly #methods: readonly AuthMethod[];
  /** Not offered although configured: they yield no keys and encryption is required. */
  readonly #keyless: readonly AuthMethod[];

  #mru: number | undefined;
  #magic = 0;
  #askPfc = true;
  #askAcfc = true;
  /** Server: methods not yet refused by the peer, the first is being asked for. */
  #candidates: readonly AuthMethod[] = [];
  #peerNamed: string[] = [];
  #loops = 0;

  #peerMru = DEFAULT_MRU;
  #peerMagic = 0;
  #sendPfc = false;
  #sendAcfc = false;
  #peerAsksFor: AuthMethod | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { offered, keyless } = methodsOf(options);
    this.#methods = offered;
    this.#keyless = keyless;
  }

  begin(): void {
    this.#mru = this.#options.mru;
    this.#magic = randomMagic(this.#options.random);
    this.#askPfc = true;
    this.#askAcfc = true;
    this.#candidates = this.#methods;
    this.#peerNamed = [];
    this.#loops = 0;
    this.#takeDefaults();
  }

  snapshot(): LcpOptionsSnapshot {
    return {
      mru: this.#mru,
      magic: this.#magic,
      askPfc: this.#askPfc,
      askAcfc: this.#askAcfc,
      candidates: this.#candidates.map(({ name }) => name),
      peerNamed: [...this.#peerNamed],
      loops: this.#loops,
      peerMru: this.#peerMru,
      peerMagic: this.#peerMagic,
      sendPfc: this.#sendPfc,
      sendAcfc: this.#sendAcfc,
      peerAsksFor: this.#peerAsksFor?.name,
    };
  }

  /** Methods that are none of ours any more are passed over. */
  restore(snapshot: LcpOptionsSnapshot): void {
    const named = (name: string): readonly AuthMethod[] => this.#methods.filter((method) => method.name === name);
    const candidates = snapshot.candidates.flatMap(named);
    const same = candidates.length === this.#methods.length && candidates.every((one, at) => one === this.#methods[at]);
    this.#mru = snapshot.mru;
    this.#magic = snapshot.magic;
    this.#askPfc = snapshot.askPfc;
    this.#askAcfc = snapshot.askAcfc;
    // The list that all links share, where that is it.
    this.#candidates = same ? this.#methods : candidates;
    this.#peerNamed = [...snapshot.peerNamed];
    this.#loops = snapshot.loops;
    this.#peerMru = snapshot.peerMru;
    this.#peerMagic = snapshot.peerMagic;
    this.#sendPfc = snapshot.sendPfc;
    this.#sendAcfc = snapshot.sendAcfc;
    this.#peerAsksFor = snapshot.peerAsksFor === undefined ? undefined : named(snapshot.peerAsksFor)[0];
  }

  /** Ours as sent in Echo packets; 0 when the peer rejected the option. */
  get magic(): number {
    return this.#magic;
  }

  get peerMagic(): number {
    return this.#peerMagic;
  }

  get peerMru(): number {
    return this.#peerMru;
  }

  /** Both sides' agreement, valid while LCP is Opened. */
  get framing(): LinkFraming {
    return { peerMru: this.#peerMru, sendPfc: this.#sendPfc, sendAcfc: this.#sendAcfc };
  }

  /** The method that the server side's Configure-Request carried. */
  get method(): AuthMethod | undefined {
    return this.#options.role === 'server' ? this.#candidates[0] : this.#peerAsksFor;
  }

  request(): readonly ConfigOption[] {
    const out: ConfigOption[] = [];
    if (this.#mru !== undefined && this.#mru !== DEFAULT_MRU) out.push({ type: LCP_OPTION.mru, data: u16(this.#mru) });
    const method = this.#options.role === 'server' ? this.#candidates[0] : undefined;
    if (method !== undefined) out.push({ type: LCP_OPTION.authentication, data: method.lcpOption });
    if (this.#magic !== 0) out.push({ type: LCP_OPTION.magic, data: u32(this.#magic) });
    if (this.#askPfc) out.push({ type: LCP_OPTION.pfc, data: NO_VALUE });
    if (this.#askAcfc) out.push({ type: LCP_OPTION.acfc, data: NO_VALUE });
    return out;
  }

  judge(option: ConfigOption): OptionVerdict {
    switch (option.type) {
      case LCP_OPTION.mru: {
        const fits = option.data.length === 2 && readU16(option.data, 0) >= SMALLEST_MRU;
        return fits ? 'ack' : { nak: u16(DEFAULT_MRU) };
      }
      case LCP_OPTION.accm:
        // There is nothing to escape in GRE; the value is accepted and has no effect.
        return option.data.length === 4 ? 'ack' : { nak: u32(0) };
      case LCP_OPTION.authentication:
        return this.#judgeAuthentication(option.data);
      case LCP_OPTION.magic:
        return this.#judgeMagic(option.data);
      case LCP_OPTION.pfc:
      case LCP_OPTION.acfc:
        return option.data.length === 0 ? 'ack' : 'reject';
      default:
        return 'reject';
    }
  }

  missing(): readonly ConfigOption[] {
    return [];
  }

  agreed(options: readonly ConfigOption[]): void {
    this.#takeDefaults();
    for (const { type, data } of options) {
      if (type === LCP_OPTION.mru) this.#peerMru = readU16(data, 0);
      else if (type === LCP_OPTION.magic) this.#peerMagic = readU32(data, 0);
      else if (type === LCP_OPTION.pfc) this.#sendPfc = true;
      else if (type === LCP_OPTION.acfc) this.#sendAcfc = true;
      else if (type === LCP_OPTION.authentication) this.#peerAsksFor = this.#find(data);
    }
  }

  acknowledged(): void {
    // What we asked for is what we hold already.
  }

  nakked(options: readonly ConfigOption[]): Failure | undefined {
    for (const { type, data } of options) {
      if (type === LCP_OPTION.mru && data.length === 2) {
        const suggested = readU16(data, 0);
        // More than we asked for would not fit the outer path.
        if (suggested >= SMALLEST_MRU && suggested <= this.#options.mru) this.#mru = suggested;
      } else if (type === LCP_OPTION.magic && this.#magic !== 0) {
        this.#magic = randomMagic(this.#options.random);
      } else if (type === LCP_OPTION.authentication && this.#candidates.length > 0) {
        const failure = this.#nextMethod(data);
        if (failure !== undefined) return failure;
      }
    }
    return undefined;
  }

  rejected(options: readonly ConfigOption[]): Failure | undefined {
    for (const { type } of options) {
      if (type === LCP_OPTION.mru) this.#mru = undefined;
      else if (type === LCP_OPTION.magic) this.#magic = 0;
      else if (type === LCP_OPTION.pfc) this.#askPfc = false;
      else if (type === LCP_OPTION.acfc) this.#askAcfc = false;
      else if (type === LCP_OPTION.authentication) {
        return this.#noCommonMethod(this.#peerNamed.length === 0 ? 'refuses to authenticate' : undefined);
      }
    }
    return undefined;
  }

  stalemate(unacceptable: readonly ConfigOption[]): Failure | undefined {
    if (unacceptable.some(({ type }) => type === LCP_OPTION.authentication)) return this.#noCommonMethod();
    return this.#loops >= this.#options.maxFailure ? LOOPED : undefined;
  }

  #judgeAuthentication(data: Uint8Array): OptionVerdict {
    const best = this.#methods[0];
    // As a server we prove nothing to the peer; it is for the peer to do without or to go.
    if (this.#options.role === 'server' || best === undefined) return 'reject';
    if (this.#find(data) !== undefined) return 'ack';
    this.#remember(data);
    return { nak: best.lcpOption };
  }

  #judgeMagic(data: Uint8Array): OptionVerdict {
    const value = data.length === 4 ? readU32(data, 0) : 0;
    if (value === 0) return { nak: u32(randomMagic(this.#options.random)) };
    if (value !== this.#magic) return 'ack';
    this.#loops += 1;
    return { nak: u32(randomMagic(this.#options.random)) };
  }

  /** The peer's own choice if it is one of ours and still open, else the next one we have (RFC 1661 section 6.2). */
  #nextMethod(suggestion: Uint8Array): Failure | undefined {
    this.#remember(suggestion);
    const rest = this.#candidates.slice(1);
    const wish = rest.find((method) => equalBytes(method.lcpOption, suggestion));
    this.#candidates = wish === undefined ? rest : [wish, ...rest.filter((method) => method !== wish)];
    return this.#candidates.length === 0 ? this.#noCommonMethod() : undefined;
  }

  #noCommonMethod(instead?: string): Failure {
    // A looped link rejects our wish to authenticate because we ourselves do.
    if (this.#loops > 0) return LOOPED;
    const ours = this.#methods.map((method) => method.name).join(', ');
    const verb = this.#options.role === 'server' ? 'offers' : 'asks for';
    const peer = instead ?? `${verb} ${this.#peerNamed.join(', ')}`;
    const keyless = this.#keyless.find((method) => this.#peerNamed.includes(method.name));
    if (keyless !== undefined) {
      const detail = `encryption is required and ${keyless.name} yields no keys: we allow ${ours}; the peer ${peer}`;
      return { reason: 'encryption-required', detail };
    }
    return {
      reason: 'authentication-failed',
      detail: `no common authentication method: we allow ${ours}; the peer ${peer}`,
    };
  }

  #remember(option: Uint8Array): void {
    const known = [...this.#methods, ...this.#keyless].find((method) => equalBytes(method.lcpOption, option));
    const name = known?.name ?? describeAuthentication(option);
    if (this.#peerNamed.length < 8 && !this.#peerNamed.includes(name)) this.#peerNamed.push(name);
  }

  #find(option: Uint8Array): AuthMethod | undefined {
    return this.#methods.find((method) => equalBytes(method.lcpOption, option));
  }

  #takeDefaults(): void {
    this.#peerMru = DEFAULT_MRU;
    this.#peerMagic = 0;
    this.#sendPfc = false;
    this.#sendAcfc = false;
    this.#peerAsksFor = undefined;
  }
}

const CHAP_ALGORITHMS: Readonly<Record<number, string>> = { 5: 'chap-md5', 128: 'ms-chap-v1', 129: 'ms-chap-v2' };

/** A name for the value of an Authentication-Protocol option, for people. */
export const describeAuthentication = (option: Uint8Array): string => {
  const protocol = option.length >= 2 ? readU16(option, 0) : 0;
  if (protocol === PPP.pap) return 'pap';
  if (protocol === PPP.spap) return 'spap';
  if (protocol === PPP.eap) return 'eap';
  const algorithm = protocol === PPP.chap && option.length === 3 ? CHAP_ALGORITHMS[option[2] ?? 0] : undefined;
  return algorithm ?? `unknown (${toHex(option.subarray(0, 8))})`;
};

const u16 = (value: number): Uint8Array => {
  const out = new Uint8Array(2);
  writeU16(out, 0, value);
  return out;
};

const u32 = (value: number): Uint8Array => {
  const out = new Uint8Array(4);
  writeU32(out, 0, value);
  return out;
};

/** Zero is illegal as a Magic-Number (RFC 1661 section 6.4). */
const randomMagic = (random: RandomSource): number => readU32(random.bytes(4), 0) || 1;
