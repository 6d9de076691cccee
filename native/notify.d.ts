/** The part of `native/build/Release/pptp_native.node` that tells the service manager (sd_notify); errors as in tun.d.ts. */
export interface NativeNotify {
  /**
   * Sends one datagram to a Unix socket: a path, or a name of the abstract name space with "@" in front. It does not wait:
   * `EAGAIN` when the receiver's queue is full, `ENOENT` or `ECONNREFUSED` when nobody is there, `EINVAL` for what is no name.
   */
  notify(socket: string, message: Uint8Array): void;
}
