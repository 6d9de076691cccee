/** Attributes of the set-up's root that every span of the tunnel's later life repeats. */
export const IDENTITY_ATTRIBUTES: ReadonlySet<string> = new Set([
  'session.id',
  'client.address',
  'server.address',
  'network.peer.address',
  'user.name',
]);
