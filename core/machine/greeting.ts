import { printable } from '../bytes/ascii.ts';
import type { AuthDenial } from '../ports/auth.ts';
import type { UserProfile } from '../ports/profile.ts';

/** Fits every message field: the one of PAP has 255 octets, and "S=" with its digits stands before that of MS-CHAP. */
const LONGEST = 200;

/** What a person at the other end reads when let in: the profile's words, or those that are usual. */
export const greeting = ({ message }: UserProfile, usual = 'Welcome'): string =>
  message === undefined || message === '' ? usual : printable(message).slice(0, LONGEST);

/** What a person at the other end reads when not let in, where the method has words for nobody else. */
export const refusalText: Readonly<Record<AuthDenial, string>> = {
  'bad-credentials': 'Unknown user name or wrong password',
  expired: 'The password has expired',
  locked: 'The account is disabled',
  unavailable: 'Authentication is out of order, try again later',
  'proof-refused': 'This proof is not accepted',
  'change-refused': 'The new password is not accepted',
};

/** What the words of a refusal say beyond it: a gateway that cannot judge anybody at the moment has no other way to say so. */
export const denialIn = (text: string): AuthDenial =>
  text === refusalText.unavailable ? 'unavailable' : 'bad-credentials';
