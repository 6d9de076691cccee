/** The part of `native/build/Release/pptp_native.node` about what this process may do; errors as in tun.d.ts. */
export interface NativePrivileges {
  /**
   * Lets programs that this thread starts have those of these capabilities (numbers of capabilities(7)) that this thread
   * has. Returns how many.
   */
  raiseAmbientCapabilities(capabilities: Int32Array): number;
  /**
   * Makes all threads those of another user, for good: the calling thread keeps these capabilities, as do programs that it
   * starts, all other threads have none; nobody gets any back (no_new_privs). `groups` are the further ones, 64 at most.
   * EPERM where this process may not.
   */
  becomeUser(uid: number, gid: number, groups: Int32Array, capabilities: Int32Array): void;
}
