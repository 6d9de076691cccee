import { readU32, writeU32 } from '../bytes/bytes.ts';
import type { ConfigOption } from '../wire/ppp-config.ts';
import type { CcpOptionsSnapshot } from './link-snapshot.ts';
import type { Failure, OptionHandler, OptionVerdict } from './negotiation-types.ts';
import type { CcpWish, EncryptionPolicy, MppeStrength } from './ppp-link-types.ts';

/** CCP Configuration Option type of MPPE and MPPC (RFC 3078 section 2). */
export const MPPE_OPTION = 18;

/** Supported Bits (RFC 3078 section 2). */
export const MPPE_BIT = {
  /** Stateless: the key changes with every packet. */
  H: 0x0100_0000,
  /** 56-bit keys. */
  M: 0x80,
  /** 128-bit keys. */
  S: 0x40,
  /** 40-bit keys. */
  L: 0x20,
  /** Obsolete; never accepted. */
  D: 0x10,
  /** MPPC compression. */
  C: 0x01,
} as const;

const BIT_OF: Readonly<Record<MppeStrength, number>> = { 40: MPPE_BIT.L, 56: MPPE_BIT.M, 128: MPPE_BIT.S };
const STRONGEST_FIRST: readonly MppeStrength[] = [128, 56, 40];
const ANY_KEY = MPPE_BIT.S | MPPE_BIT.M | MPPE_BIT.L;

/** How one direction works. */
export interface CcpMode {
  readonly stateless: boolean;
  readonly compression: boolean;
}

/** What both directions agreed on; strength undefined: compressed only. `mismatch`: the strengths of the two differ. */
export type CcpResult =
  | {
      readonly kind: 'agreed';
      readonly strength: MppeStrength | undefined;
      readonly send: CcpMode;
      readonly receive: CcpMode;
    }
  | { readonly kind: 'clear' }
  | { readonly kind: 'mismatch' };

export interface CcpPolicy {
  readonly encryption: EncryptionPolicy;
  /** Those allowed; none when authentication gave no keys. */
  readonly strengths: readonly MppeStrength[];
  readonly stateful: CcpWish;
  readonly mppc: CcpWish;
}

const NONE: readonly MppeStrength[] = [];

/** By the list that it was made of, which very many links share. */
const sorted = new WeakMap<readonly MppeStrength[], readonly MppeStrength[]>();

const strongestFirst = (strengths: readonly MppeStrength[]): readonly MppeStrength[] => {
  const known = sorted.get(strengths) ?? STRONGEST_FIRST.filter((strength) => strengths.includes(strength));
  sorted.set(strengths, known);
  return known;
};

/**
 * MPPE and MPPC by policy. Each direction is negotiated by its own Configure-Request; both must end with the same
 * strength, and are brought to the same mode. Loops cannot happen: once one direction has settled on its bits, only those
 * are offered and accepted. Compression alone may differ: a side gets compressed packets if it asks for them.
 */
export class CcpOptions implements OptionHandler {
  readonly #policy: CcpPolicy;
  /** Strongest first; empty when there is nothing we could encrypt with. */
  readonly #strengths: readonly MppeStrength[];

  #offering = false;
  /** The peer was told that we prefer stateful mode: if it stays with stateless, it gets it. */
  #pleaded = false;
  /** The peer rejected a request with our wishes: we ask for stateless encryption alone. */
  #modest = false;
  /** We ask for compressed packets. */
  #compress = false;
  #asked: number | undefined;
  /** Key and mode, without compression. */
  #settled: number | undefined;
  #ours: number | undefined;
  #peers: number | undefined;
  #peerAsked = 'nothing';

  constructor(policy: CcpPolicy) {
    this.#policy = policy;
    this.#strengths = policy.encryption === 'disabled' ? NONE : strongestFirst(policy.strengths);
  }

  begin(): void {
    this.#offering = this.#strengths.length > 0 || this.#policy.mppc !== 'off';
    this.#pleaded = false;
    this.#modest = false;
    this.#compress = this.#policy.mppc === 'prefer';
    this.#asked = undefined;
    this.#settled = undefined;
    this.#ours = undefined;
    this.#peers = undefined;
    this.#peerAsked = 'nothing';
  }

  snapshot(): CcpOptionsSnapshot {
    return {
      offering: this.#offering,
      pleaded: this.#pleaded,
      modest: this.#modest,
      compress: this.#compress,
      asked: this.#asked,
      settled: this.#settled,
      ours: this.#ours,
      peers: this.#peers,
      peerAsked: this.#peerAsked,
    };
  }

  restore(snapshot: CcpOptionsSnapshot): void {
    this.#offering = snapshot.offering;
    this.#pleaded = snapshot.pleaded;
    this.#modest = snapshot.modest;
    this.#compress = snapshot.compress;
    this.#asked = snapshot.asked;
    this.#settled = snapshot.settled;
    this.#ours = snapshot.ours;
    this.#peers = snapshot.peers;
    this.#peerAsked = snapshot.peerAsked;
  }

  request(): readonly ConfigOption[] {
    this.#asked = this.#wanted();
    return this.#asked === undefined ? [] : [mppe(this.#asked)];
  }

  judge({ type, data }: ConfigOption): OptionVerdict {
    if (type !== MPPE_OPTION || !this.#offering) return 'reject';
    const bits = data.length === 4 ? readU32(data, 0) : 0;
    this.#peerAsked = describeMppe(bits);
    const choice = this.#choose(bits);
    if (choice === undefined) return 'reject';
    if (data.length === 4 && bits === choice) return 'ack';
    if ((bits & ~choice & MPPE_BIT.H) !== 0) this.#pleaded = true;
    return { nak: mppe(choice).data };
  }

  missing(present: readonly ConfigOption[]): readonly ConfigOption[] {
    const { encryption } = this.#policy;
    const wanted = this.#offering && (encryption === 'required' || encryption === 'preferred');
    const choice = wanted ? this.#choose(0) : undefined;
    if (choice === undefined || present.some(({ type }) => type === MPPE_OPTION)) return [];
    return [mppe(choice)];
  }

  agreed(options: readonly ConfigOption[]): void {
    this.#peers = settledBits(options);
    this.#settle(this.#peers);
  }

  acknowledged(options: readonly ConfigOption[]): void {
    this.#ours = settledBits(options);
    this.#settle(this.#ours);
  }

  nakked(options: readonly ConfigOption[]): Failure | undefined {
    const suggestion = options.find(({ type }) => type === MPPE_OPTION);
    const bits = suggestion !== undefined && suggestion.data.length === 4 ? readU32(suggestion.data, 0) : 0;
    this.#peerAsked = describeMppe(bits);
    const choice = this.#follow(bits);
    if (choice === undefined) return this.#giveUp();
    this.#compress = (choice & MPPE_BIT.C) !== 0;
    // A wish for stateful mode that we do not share is not met: the same question again, until the peer is treated as
    // rejecting it.
    if (((choice ^ bits) & MPPE_BIT.H) === 0) this.#settle(choice);
    return undefined;
  }

  rejected(options: readonly ConfigOption[]): Failure | undefined {
    if (!options.some(({ type }) => type === MPPE_OPTION)) return undefined;
    // Linux rejects the whole option when it does not want stateful mode.
    this.#modest = true;
    this.#compress = false;
    const next = this.#wanted();
    if (next !== undefined && next !== this.#asked) return undefined;
    return this.#giveUp();
  }

  stalemate(unacceptable: readonly ConfigOption[]): Failure | undefined {
    return unacceptable.some(({ type }) => type === MPPE_OPTION) ? this.#giveUp() : undefined;
  }

  result(): CcpResult {
    const [ours, peers] = [this.#ours, this.#peers];
    if (ours === undefined && peers === undefined) return { kind: 'clear' };
    if (ours === undefined || peers === undefined || strongest(ours) !== strongest(peers)) return { kind: 'mismatch' };
    // A Configure-Request says what its sender will receive.
    return { kind: 'agreed', strength: strongest(ours), send: modeOf(peers), receive: modeOf(ours) };
  }

  /** For people: what we allow and what the peer last asked for. */
  describe(): string {
    const { stateful, mppc } = this.#policy;
    const keys = this.#strengths.map((strength) => `${strength}-bit`).join(', ');
    const parts = keys === '' ? [] : [`${keys} ${stateful === 'off' ? 'stateless' : 'stateless and stateful'}`];
    if (mppc !== 'off') parts.push('compression');
    return `we allow ${parts.length === 0 ? 'none' : parts.join(', ')}; the peer asked for ${this.#peerAsked}`;
  }

  #settle(bits: number | undefined): void {
    if (bits !== undefined) this.#settled ??= bits & ~MPPE_BIT.C;
  }

  /** The bits of our next request. */
  #wanted(): number | undefined {
    if (!this.#offering) return undefined;
    const compression = this.#compress ? MPPE_BIT.C : 0;
    const keys = this.#strengths.reduce<number>((bits, strength) => bits | BIT_OF[strength], 0);
    const mode = this.#policy.stateful === 'prefer' && !this.#modest ? 0 : MPPE_BIT.H;
    const bits = (this.#settled ?? keys | mode) | compression;
    return (bits & (ANY_KEY | MPPE_BIT.C)) === 0 ? undefined : bits;
  }

  /** The bits we would take instead of those that the peer asks for; undefined: nothing of the kind. */
  #choose(asked: number): number | undefined {
    const { encryption, mppc, stateful } = this.#policy;
    const compression = mppc === 'off' ? 0 : asked & MPPE_BIT.C;
    if (this.#settled !== undefined) {
      const bits = this.#settled | compression;
      return (bits & (ANY_KEY | MPPE_BIT.C)) === 0 ? undefined : bits;
    }
    const insists = stateful === 'prefer' && !this.#pleaded ? 0 : MPPE_BIT.H;
    const mode = compression | (stateful === 'off' ? MPPE_BIT.H : asked & insists);
    const best = this.#strengths[0];
    // Compression alone is a wish we may share; only a policy that wants encryption answers it with one.
    const keyless = best === undefined || ((asked & ANY_KEY) === 0 && encryption === 'permitted');
    if (keyless) return compression === 0 ? undefined : mode;
    // A Nak names exactly one strength, the strongest common one (RFC 3078 section 2.1).
    const common = this.#strengths.find((strength) => (asked & BIT_OF[strength]) !== 0);
    return mode | BIT_OF[common ?? best];
  }

  /** The bits nearest to those of a Nak that we can ask for; undefined: no agreement is possible. */
  #follow(suggested: number): number | undefined {
    const { encryption, mppc, stateful } = this.#policy;
    const compression = mppc === 'off' ? 0 : suggested & MPPE_BIT.C;
    if (this.#settled !== undefined) {
      const key = this.#settled & ANY_KEY;
      return (key & suggested) !== key || (key | compression) === 0 ? undefined : this.#settled | compression;
    }
    const mode = compression | (stateful === 'off' ? MPPE_BIT.H : suggested & MPPE_BIT.H);
    const common = this.#strengths.find((strength) => (suggested & BIT_OF[strength]) !== 0);
    if (common !== undefined) return mode | BIT_OF[common];
    return encryption === 'required' || compression === 0 ? undefined : mode;
  }

  #giveUp(): Failure | undefined {
    this.#offering = false;
    if (this.#policy.encryption !== 'required') return undefined;
    return { reason: 'encryption-required', detail: `no agreement on MPPE: ${this.describe()}` };
  }
}

/** "128-bit, 40-bit stateless, compression", for people. */
export const describeMppe = (bits: number): string => {
  const keys = STRONGEST_FIRST.filter((strength) => (bits & BIT_OF[strength]) !== 0).map(
    (strength) => `${strength}-bit`,
  );
  const mode = (bits & MPPE_BIT.H) !== 0 ? ' stateless' : ' stateful';
  const parts = keys.length === 0 ? [] : [keys.join(', ') + mode];
  if ((bits & MPPE_BIT.C) !== 0) parts.push('compression');
  return parts.length === 0 ? 'no encryption' : parts.join(', ');
};

const mppe = (bits: number): ConfigOption => {
  const data = new Uint8Array(4);
  writeU32(data, 0, bits);
  return { type: MPPE_OPTION, data };
};

const strongest = (bits: number): MppeStrength | undefined =>
  STRONGEST_FIRST.find((strength) => (bits & BIT_OF[strength]) !== 0);

const modeOf = (bits: number): CcpMode => ({
  stateless: (bits & MPPE_BIT.H) !== 0,
  compression: (bits & MPPE_BIT.C) !== 0,
});

/** What an acknowledged request means: of several strengths, the strongest. */
const settledBits = (options: readonly ConfigOption[]): number | undefined => {
  const data = options.find(({ type }) => type === MPPE_OPTION)?.data;
  if (data === undefined) return undefined;
  const bits = readU32(data, 0);
  const strength = strongest(bits);
  return (bits & (MPPE_BIT.H | MPPE_BIT.C)) | (strength === undefined ? 0 : BIT_OF[strength]);
};
