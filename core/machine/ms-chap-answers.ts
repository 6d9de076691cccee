import type { AuthDenial } from '../ports/auth.ts';
import { MS_CHAP_ERROR, type MsChapFailure } from '../wire/chap.ts';
import { denialIn, refusalText } from './greeting.ts';

/** A Failure that none can read. */
const NOTHING = { error: 0, text: '' };

interface Answer {
  readonly error: number;
  /** Another password may help. */
  readonly retriable: boolean;
  readonly text: string;
}

/**
 * What a peer is told for each denial (RFC 2433 section 8, RFC 2759 section 6). There is no code for "the back-end is out
 * of order": 691 without retry is the one every client ends the call on, and the text tells the two apart. 648 has R=0,
 * as in the examples of both RFCs: the Change-Password packet is no retry.
 */
export const MS_CHAP_ANSWERS: Readonly<Record<AuthDenial, Answer>> = {
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
    text: refusalText.unavailable,
  },
  'proof-refused': {
    error: MS_CHAP_ERROR.authenticationFailure,
    retriable: false,
    text: 'LAN Manager responses are not accepted',
  },
  'change-refused': {
    error: MS_CHAP_ERROR.changingPassword,
    retriable: false,
    text: 'The new password is not accepted',
  },
};

/** ERROR_AUTH_SERVER_TIMEOUT: Windows says so where its RADIUS server does not answer; no RFC lists it. */
const AUTH_SERVER_TIMEOUT = 930;

/** What a Failure says to us as a peer; codes nobody listed are a refusal like any other. */
export const msChapDenial = ({ error, text }: Pick<MsChapFailure, 'error' | 'text'> = NOTHING): AuthDenial => {
  switch (error) {
    case AUTH_SERVER_TIMEOUT:
      return 'unavailable';
    case MS_CHAP_ERROR.passwordExpired:
      return 'expired';
    case MS_CHAP_ERROR.restrictedLogonHours:
    case MS_CHAP_ERROR.accountDisabled:
    case MS_CHAP_ERROR.noDialInPermission:
      return 'locked';
    case MS_CHAP_ERROR.changingPassword:
      return 'change-refused';
    default:
      return denialIn(text);
  }
};
