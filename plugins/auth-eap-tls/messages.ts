import { concatBytes } from '../../core/bytes/bytes.ts';
import { EAP_TLS_FLAGS, EAP_TLS_LENGTH, type EapTlsPacket, writeEapTls } from '../../core/wire/eap-tls.ts';

/** A TLS flight is some 10 kB at most; RFC 5216 section 2.1.5 names 64 kB as the limit of what makes sense. */
const MAX_MESSAGE = 65_536;

/** Puts fragments together. Bounded; a message that breaks the rules is an error, as EAP has already sorted out copies. */
export class Reassembly {
  private parts: Uint8Array[] = [];
  private length = 0;
  private total: number | undefined;

  /** The whole message, or `more`, or `bad`. */
  add({ more, totalLength, data }: EapTlsPacket): Uint8Array | 'more' | 'bad' {
    this.total ??= totalLength;
    this.length += data.length;
    // A fragment without octets would be acknowledged for ever.
    if (this.length > Math.min(MAX_MESSAGE, this.total ?? MAX_MESSAGE) || (more && data.length === 0)) return 'bad';
    this.parts.push(data);
    if (more) return 'more';
    const message = concatBytes(...this.parts);
    const complete = this.total === undefined || this.total === message.length;
    this.parts = [];
    this.length = 0;
    this.total = undefined;
    return complete ? message : 'bad';
  }
}

/** Cuts a message into packets; each but the last waits for an empty one in return. */
export class Fragments {
  private readonly message: Uint8Array;
  private readonly room: number;
  private at = 0;

  /** `room`: octets of type data. */
  constructor(message: Uint8Array, room: number) {
    this.message = message;
    this.room = room;
  }

  get done(): boolean {
    return this.at >= this.message.length;
  }

  next(): Uint8Array {
    const { message } = this;
    const first = this.at === 0;
    const whole = first && message.length <= this.room - EAP_TLS_FLAGS;
    const length = this.room - EAP_TLS_FLAGS - (first && !whole ? EAP_TLS_LENGTH : 0);
    const data = message.subarray(this.at, this.at + Math.max(1, length));
    this.at += data.length;
    return writeEapTls({
      start: false,
      more: !this.done,
      ...(first && !whole ? { totalLength: message.length } : {}),
      data,
    });
  }
}

/** Acknowledges a fragment. */
export const emptyPacket = (): Uint8Array => writeEapTls({ start: false, more: false, data: new Uint8Array(0) });

/** The invitation of the authenticator. */
export const startPacket = (): Uint8Array => writeEapTls({ start: true, more: false, data: new Uint8Array(0) });
