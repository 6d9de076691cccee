/** The part of `native/build/Release/pptp_native.node` that passes descriptors between processes; errors as in tun.d.ts. */
export interface NativeDescriptors {
  /** Two connected sockets, which no child inherits unless it is given one. They are closed by `closeFd`. */
  socketPair(): readonly [number, number];
  /** Gives whoever has the other end copies of 1 to 16 descriptors. Does not wait: `EAGAIN` where there is no room. */
  sendFds(socket: number, fds: Int32Array): void;
  /**
   * Those of the next message, this process' own from now on and closed by `closeFd`; none when the other end is closed.
   * Does not wait: `EAGAIN` when there is no message.
   */
  receiveFds(socket: number): readonly number[];
  closeFd(fd: number): void;
}
