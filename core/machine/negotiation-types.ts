import type { ConfigOption, ConfigPacket } from '../wire/ppp-config.ts';
import type { LinkEnd } from './ppp-link-types.ts';

/** A layer cannot go on: the reason for the link's end, should the link depend on it, and a sentence. */
export interface Failure {
  readonly reason: LinkEnd;
  readonly detail: string;
}

/** What we think of one option of the peer; `nak` is the data of a value we would take. */
export type OptionVerdict = 'ack' | 'reject' | { readonly nak: Uint8Array };

/** The meaning of one protocol's options. The automaton and the packets around them are `Negotiation`'s. */
export interface OptionHandler {
  /** A new negotiation begins: forget what the last one agreed on. */
  begin(): void;
  /** The options of our next Configure-Request, in order. */
  request(): readonly ConfigOption[];
  judge(option: ConfigOption): OptionVerdict;
  /** Options that the peer did not list and that we want to prompt for (RFC 1661 section 5.3). */
  missing(present: readonly ConfigOption[]): readonly ConfigOption[];
  /** We acknowledge this Configure-Request of the peer. */
  agreed(options: readonly ConfigOption[]): void;
  /** The peer acknowledged our Configure-Request. */
  acknowledged(options: readonly ConfigOption[]): void;
  nakked(options: readonly ConfigOption[]): Failure | undefined;
  rejected(options: readonly ConfigOption[]): Failure | undefined;
  /** Max-Failure Naks did not move the peer; without a failure the options are rejected or done without. */
  stalemate(unacceptable: readonly ConfigOption[]): Failure | undefined;
}

/** Where a layer reports to. `up` and `finished` may call back into the layer; the others may not. */
export interface LayerEvents {
  send(protocol: number, bytes: Uint8Array): void;
  up(): void;
  down(): void;
  finished(): void;
  failed(failure: Failure): void;
  /** The peer sent a Terminate-Request; it has been answered. `text` is printable. */
  peerTerminated(text: string): void;
  ignored(protocol: number, why: string): void;
  note(event: string, detail: string): void;
  /** A code above Code-Reject: false when the protocol has no such code, which earns a Code-Reject. */
  extension?(packet: ConfigPacket): boolean;
  /** Room for the information field of what we send, in octets. */
  readonly peerMru: number;
}
