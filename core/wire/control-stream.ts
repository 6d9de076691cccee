import { readU16 } from '../bytes/bytes.ts';
import { type PptpMessage, parsePptpMessage } from './pptp-message.ts';
import {
  CONTROL_HEADER,
  checkControlHeader,
  MAX_CONTROL_MESSAGE,
  type PptpMessageFault,
} from './pptp-message-fields.ts';

const NOTHING = new Uint8Array(0);

/**
 * Control messages out of a TCP stream, however TCP cut it. Keeps at most one unfinished message. A fault is final:
 * the magic cookie must not be used to find the way back (RFC 2637 section 1.4), so nothing is read after it.
 */
export class ControlStream {
  /** Only while something is unfinished: connections are silent nearly all the time. */
  private pending = NOTHING;
  private held = 0;
  private fault: PptpMessageFault | undefined;

  /** Octets of the unfinished message: 0 to 219. */
  get buffered(): number {
    return this.held;
  }

  /** The octets of the unfinished message; undefined when nothing more can be read. */
  unread(): Uint8Array | undefined {
    return this.fault === undefined ? this.pending.slice(0, this.held) : undefined;
  }

  /**
   * Takes the next octets (borrowed until return) and hands over every message they complete, in order. `deliver`
   * returns false to have the rest thrown away. The result is the stream's fault, if it has one.
   */
  receive(bytes: Uint8Array, deliver: (message: PptpMessage) => boolean): PptpMessageFault | undefined {
    if (this.pending === NOTHING && this.fault === undefined) this.pending = new Uint8Array(MAX_CONTROL_MESSAGE);
    const fault = this.read(bytes, deliver);
    if (this.held === 0) this.pending = NOTHING;
    return fault;
  }

  private read(bytes: Uint8Array, deliver: (message: PptpMessage) => boolean): PptpMessageFault | undefined {
    let at = 0;
    while (at < bytes.length && this.fault === undefined) {
      at += this.fill(bytes, at);
      this.fault = checkControlHeader(this.pending, this.held);
      if (this.fault !== undefined || !this.complete()) continue;
      const message = parsePptpMessage(this.pending.subarray(0, this.held));
      this.held = 0;
      if (typeof message === 'string') this.fault = message;
      else if (!deliver(message)) return this.fault;
    }
    return this.fault;
  }

  private complete(): boolean {
    return this.held >= CONTROL_HEADER && this.held === readU16(this.pending, 0);
  }

  /** Copies up to the end of the header, then (the length is checked by then) up to the end of the message. */
  private fill(bytes: Uint8Array, at: number): number {
    const wanted = this.held < CONTROL_HEADER ? CONTROL_HEADER : readU16(this.pending, 0);
    const taken = Math.min(wanted - this.held, bytes.length - at);
    this.pending.set(bytes.subarray(at, at + taken), this.held);
    this.held += taken;
    return taken;
  }
}
