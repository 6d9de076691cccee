/** Whether two identities are one user: names of users are compared without case. Undefined is nobody. */
export const sameUser = (one: string | undefined, other: string): boolean =>
  one === other || one?.toLowerCase() === other.toLowerCase();
