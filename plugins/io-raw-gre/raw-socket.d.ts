/** The part of raw-socket 1.8.1 that the driver uses; the package has no types of its own. */
declare module 'raw-socket' {
  /** The native half. Synchronous; errors are `Error`s whose message is the C library's text, without a code. */
  interface SocketWrap {
    /** One recvfrom into `buffer`; the callback runs before `recv` returns. Reopens a closed socket! */
    recv(buffer: Uint8Array, done: (buffer: Uint8Array, octets: number, source: string) => void): void;
    /** One sendto; the callback runs before `send` returns. Reopens a closed socket! */
    send(buffer: Uint8Array, offset: number, length: number, address: string, done: (octets: number) => void): void;
    on(event: 'recvReady' | 'sendReady' | 'close', listener: () => void): void;
    on(event: 'error', listener: (cause: Error) => void): void;
    removeAllListeners(event: string): void;
  }

  interface Socket {
    readonly wrap: SocketWrap;
    on(event: 'error', listener: (cause: Error) => void): void;
    /** One received packet, with its IPv4 header; valid until the listener returns. */
    on(event: 'message', listener: (packet: Uint8Array, source: string) => void): void;
    setOption(level: number, option: number, value: number): void;
    setOption(level: number, option: number, value: Uint8Array, length: number): void;
    /** Fills `value` and returns the length of the option. */
    getOption(level: number, option: number, value: Uint8Array, length: number): number;
    close(): void;
  }

  interface RawSocketModule {
    createSocket(options: { readonly protocol: number; readonly bufferSize?: number }): Socket;
  }

  const module: RawSocketModule;
  export default module;
  export type { RawSocketModule, Socket, SocketWrap };
}
