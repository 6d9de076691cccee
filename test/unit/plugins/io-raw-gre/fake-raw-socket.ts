/// <reference path="../../../../plugins/io-raw-gre/raw-socket.d.ts" />
import type { Socket, SocketWrap } from 'raw-socket';

type Listener = (...args: never[]) => void;

/** The package raw-socket as far as the driver goes, with its habits: errors by text, one packet per recv. */
export class FakeRawSocket {
  readonly inbox: Uint8Array[] = [];
  readonly sent: { readonly bytes: Uint8Array; readonly address: string }[] = [];
  readonly options: (readonly [number, number, number | Uint8Array])[] = [];
  /** Texts that the next sends fail with; undefined sends. */
  readonly sendErrors: (string | undefined)[] = [];
  receiveError = 'Resource temporarily unavailable';
  refusedOptions: readonly number[] = [];
  createError: string | undefined;
  closed = 0;
  usedAfterClose = 0;
  private readonly listeners = new Map<string, Listener>();

  readonly module = {
    createSocket: (): Socket => {
      if (this.createError !== undefined) throw new Error(this.createError);
      return this.socket;
    },
  };

  private readonly wrap: SocketWrap = {
    recv: (buffer, done) => {
      this.checkOpen();
      const packet = this.inbox.shift();
      if (packet === undefined) throw new Error(this.receiveError);
      const octets = Math.min(packet.length, buffer.length);
      buffer.set(packet.subarray(0, octets));
      done(buffer, octets, '0.0.0.0');
    },
    send: (buffer, offset, length, address, done) => {
      this.checkOpen();
      const error = this.sendErrors.shift();
      if (error !== undefined) throw new Error(error);
      this.sent.push({ bytes: Uint8Array.from(buffer.subarray(offset, offset + length)), address });
      done(length);
    },
    on: (event: string, listener: Listener) => void this.listeners.set(`wrap ${event}`, listener),
    removeAllListeners: (event) => void this.listeners.delete(`wrap ${event}`),
  };

  private readonly socket: Socket = {
    wrap: this.wrap,
    on: (event: string, listener: Listener) => void this.listeners.set(event, listener),
    setOption: (level: number, option: number, value: number | Uint8Array) => {
      if (this.refusedOptions.includes(option)) throw new Error('Operation not permitted');
      this.options.push([level, option, value]);
    },
    getOption: () => 4,
    close: () => {
      this.closed += 1;
    },
  };

  /** The event loop found the socket readable. */
  readable(): void {
    this.listeners.get('wrap recvReady')?.();
  }

  fail(cause: Error): void {
    const listener = this.listeners.get('error');
    if (listener !== undefined) Reflect.apply(listener, undefined, [cause]);
  }

  private checkOpen(): void {
    if (this.closed > 0) this.usedAfterClose += 1;
  }
}
