import type { ClearReason } from '../ports/control.ts';
import { DISCONNECT_RESULT, GENERAL_ERROR } from '../wire/pptp-message-codes.ts';

export interface DisconnectCodes {
  readonly resultCode: number;
  readonly errorCode: number;
}

const lostCarrier: DisconnectCodes = { resultCode: DISCONNECT_RESULT.lostCarrier, errorCode: GENERAL_ERROR.none };
const adminShutdown: DisconnectCodes = { resultCode: DISCONNECT_RESULT.adminShutdown, errorCode: GENERAL_ERROR.none };
const generalError = (errorCode: number): DisconnectCodes => ({
  resultCode: DISCONNECT_RESULT.generalError,
  errorCode,
});

/**
 * What a Call-Disconnect-Notify says about each reason (RFC 2637 section 2.13). Lost Carrier is the end of the PPP link
 * itself, Admin Shutdown is our decision, General Error a failure of ours that a retry may get around.
 */
export const DISCONNECT_CODES: Readonly<Record<ClearReason, DisconnectCodes>> = {
  'peer-request': { resultCode: DISCONNECT_RESULT.request, errorCode: GENERAL_ERROR.none },
  'peer-disconnect': lostCarrier,
  'control-lost': lostCarrier,
  'authentication-failed': adminShutdown,
  'negotiation-failed': generalError(GENERAL_ERROR.pacError),
  'encryption-required': adminShutdown,
  'peer-terminated': lostCarrier,
  'link-dead': lostCarrier,
  'no-gre': lostCarrier,
  'no-address': generalError(GENERAL_ERROR.noResource),
  idle: adminShutdown,
  'session-timeout': adminShutdown,
  quota: adminShutdown,
  administrative: adminShutdown,
  shutdown: adminShutdown,
};
