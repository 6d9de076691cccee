import { readU32, writeU32 } from '../bytes/bytes.ts';
import type { ConfigOption } from '../wire/ppp-config.ts';
import type { Failure, OptionHandler, OptionVerdict } from './negotiation-types.ts';
import type { EncryptionPolicy, MppeStrength } from './ppp-link-types.ts';

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

/** What both directions agreed on; undefined: no encryption. `mismatch`: the two directions differ. */
export type CcpResult =
  | { readonly kind: 'encrypted'; readonly strength: MppeStrength; readonly stateless: boolean }
  | { readonly kind: 'clear' }
  | { readonly kind: 'mismatch' };

/**
 * MPPE by the four policies. Each direction is negotiated by its own Configure-Request; both must end with the same
 * bits. Loops cannot happen: once one direction has settled on a strength, only that one is offered and accepted.
 */
export class CcpOptions implements OptionHandler {
  readonly #policy: EncryptionPolicy;
  /** Strongest first; empty when there is nothing we could encrypt with. */
  readonly #strengths: readonly MppeStrength[];

  #offering = false;
  #settled: MppeStrength | undefined;
  #ours: MppeStrength | undefined;
  #peers: MppeStrength | undefined;
  #peerAsked = 'nothing';

  /** `strengths` are those allowed; none when authentication gave no keys. */
  constructor(policy: EncryptionPolicy, strengths: readonly MppeStrength[]) {
    this.#policy = policy;
    this.#strengths = policy === 'disabled' ? [] : STRONGEST_FIRST.filter((strength) => strengths.includes(strength));
  }

  begin(): void {
    this.#offering = this.#strengths.length > 0;
    this.#settled = undefined;
    this.#ours = undefined;
    this.#peers = undefined;
    this.#peerAsked = 'nothing';
  }

  request(): readonly ConfigOption[] {
    if (!this.#offering) return [];
    return [mppe(this.#pool.reduce<number>((bits, strength) => bits | BIT_OF[strength], MPPE_BIT.H))];
  }

  judge({ type, data }: ConfigOption): OptionVerdict {
    const best = this.#pool[0];
    if (type !== MPPE_OPTION || !this.#offering || best === undefined) return 'reject';
    const bits = data.length === 4 ? readU32(data, 0) : 0;
    this.#peerAsked = describeMppe(bits);
    // Compression alone is a wish we do not share; only a policy that wants encryption answers it with one.
    if ((bits & ANY_KEY) === 0 && this.#policy === 'permitted') return 'reject';
    const common = this.#pool.find((strength) => (bits & BIT_OF[strength]) !== 0);
    if (common !== undefined && data.length === 4 && bits === (MPPE_BIT.H | BIT_OF[common])) return 'ack';
    // A Nak names exactly one strength, the strongest common one (RFC 3078 section 2.1).
    return { nak: mppe(MPPE_BIT.H | BIT_OF[common ?? best]).data };
  }

  missing(present: readonly ConfigOption[]): readonly ConfigOption[] {
    const best = this.#pool[0];
    const wanted = this.#offering && (this.#policy === 'required' || this.#policy === 'preferred');
    if (!wanted || best === undefined || present.some(({ type }) => type === MPPE_OPTION)) return [];
    return [mppe(MPPE_BIT.H | BIT_OF[best])];
  }

  agreed(options: readonly ConfigOption[]): void {
    this.#peers = strongestIn(options);
    this.#settled ??= this.#peers;
  }

  acknowledged(options: readonly ConfigOption[]): void {
    this.#ours = strongestIn(options);
    this.#settled ??= this.#ours;
  }

  nakked(options: readonly ConfigOption[]): Failure | undefined {
    const suggestion = options.find(({ type }) => type === MPPE_OPTION);
    const bits = suggestion !== undefined && suggestion.data.length === 4 ? readU32(suggestion.data, 0) : 0;
    this.#peerAsked = describeMppe(bits);
    const choice = this.#pool.find((strength) => (bits & BIT_OF[strength]) !== 0);
    if (choice === undefined) return this.#giveUp();
    // A wish for stateful mode is not met: the same question again, until the peer is treated as rejecting it.
    if ((bits & MPPE_BIT.H) !== 0) this.#settled ??= choice;
    return undefined;
  }

  rejected(options: readonly ConfigOption[]): Failure | undefined {
    return options.some(({ type }) => type === MPPE_OPTION) ? this.#giveUp() : undefined;
  }

  stalemate(unacceptable: readonly ConfigOption[]): Failure | undefined {
    return unacceptable.some(({ type }) => type === MPPE_OPTION) ? this.#giveUp() : undefined;
  }

  result(): CcpResult {
    if (this.#ours === undefined && this.#peers === undefined) return { kind: 'clear' };
    if (this.#ours === undefined || this.#ours !== this.#peers) return { kind: 'mismatch' };
    return { kind: 'encrypted', strength: this.#ours, stateless: true };
  }

  /** For people: what we allow and what the peer last asked for. */
  describe(): string {
    const ours = this.#strengths.map((strength) => `${strength}-bit`).join(', ');
    return `we allow ${ours === '' ? 'none' : `${ours} stateless`}; the peer asked for ${this.#peerAsked}`;
  }

  #giveUp(): Failure | undefined {
    this.#offering = false;
    if (this.#policy !== 'required') return undefined;
    return { reason: 'encryption-required', detail: `no agreement on MPPE: ${this.describe()}` };
  }

  get #pool(): readonly MppeStrength[] {
    return this.#settled === undefined ? this.#strengths : [this.#settled];
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

const strongestIn = (options: readonly ConfigOption[]): MppeStrength | undefined => {
  const data = options.find(({ type }) => type === MPPE_OPTION)?.data;
  if (data === undefined) return undefined;
  const bits = readU32(data, 0);
  return STRONGEST_FIRST.find((strength) => (bits & BIT_OF[strength]) !== 0);
};
