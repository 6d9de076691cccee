import { printable } from '../bytes/ascii.ts';
import type { UserProfile } from '../ports/profile.ts';

/** Fits every message field: the one of PAP has 255 octets, and "S=" with its digits stands before that of MS-CHAP. */
const LONGEST = 200;

/** What a person at the other end reads when let in: the profile's words, or those that are usual. */
export const greeting = ({ message }: UserProfile, usual = 'Welcome'): string =>
  message === undefined || message === '' ? usual : printable(message).slice(0, LONGEST);
