/** The name of a user as the users file has it, out of what a peer has proven to be: without its domain, in lower case. */
export const bareName = (identity: string): string => identity.slice(identity.lastIndexOf('\\') + 1).toLowerCase();

/** Whether a session is this user's: by the whole identity, or by the name without its domain. Without case. */
export const isUser = (user: string, identity: string | undefined): boolean =>
  identity !== undefined &&
  (identity.toLowerCase() === user.toLowerCase() || bareName(identity) === user.toLowerCase());
