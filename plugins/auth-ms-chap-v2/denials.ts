import type { AuthDenial } from '../../core/ports/auth.ts';
import { MS_CHAP_ERROR } from '../../core/wire/chap.ts';

interface Answer {
  readonly error: number;
  /** Another password may help. */
  readonly retriable: boolean;
  readonly text: string;
}

/**
 * What a peer is told for each denial (RFC 2759 section 6). There is no code for "the back-end is out of order": 691
 * without retry is the one every client ends the call on, and the text tells the two apart. An expired password cannot be
 * changed here (no Change-Password), so 648 comes without retry too.
 */
export const ANSWERS: Readonly<Record<AuthDenial, Answer>> = {
  'bad-credentials': {
    error: MS_CHAP_ERROR.authenticationFailure,
    retriable: true,
    text: 'Unknown user name or wrong password',
  },
  expired: { error: MS_CHAP_ERROR.passwordExpired, retriable: false, text: 'The password has expired' },
  locked: { error: MS_CHAP_ERROR.accountDisabled, retriable: false, text: 'The account is disabled' },
  unavailable: {
    error: MS_CHAP_ERROR.authenticationFailure,
    retriable: false,
    text: 'Authentication is out of order, try again later',
  },
};

/** What a code says to us as a peer; codes nobody listed are a refusal like any other. */
export const denialOf = (error: number): AuthDenial => {
  switch (error) {
    case MS_CHAP_ERROR.passwordExpired:
      return 'expired';
    case MS_CHAP_ERROR.restrictedLogonHours:
    case MS_CHAP_ERROR.accountDisabled:
    case MS_CHAP_ERROR.noDialInPermission:
      return 'locked';
    default:
      return 'bad-credentials';
  }
};
