import type { ClearReason } from '../../../core/ports/control.ts';

/** Acct-Terminate-Cause (RFC 2866 section 5.10). */
export const TERMINATE_CAUSE = {
  userRequest: 1,
  lostCarrier: 2,
  lostService: 3,
  idleTimeout: 4,
  sessionTimeout: 5,
  adminReset: 6,
  adminReboot: 7,
  portError: 8,
  nasError: 9,
  nasRequest: 10,
  nasReboot: 11,
  serviceUnavailable: 15,
  userError: 17,
} as const;

/** Every reason that a session of ours ends for has one cause, always the same one. */
export const terminateCauseOf: Readonly<Record<ClearReason, number>> = {
  'peer-request': TERMINATE_CAUSE.userRequest,
  'peer-disconnect': TERMINATE_CAUSE.userRequest,
  'peer-terminated': TERMINATE_CAUSE.userRequest,
  // The TCP connection broke, or nothing comes from the peer any more: what a modem calls carrier is gone.
  'control-lost': TERMINATE_CAUSE.lostCarrier,
  'link-dead': TERMINATE_CAUSE.lostCarrier,
  'no-gre': TERMINATE_CAUSE.lostCarrier,
  'authentication-failed': TERMINATE_CAUSE.userError,
  'negotiation-failed': TERMINATE_CAUSE.userError,
  'encryption-required': TERMINATE_CAUSE.userError,
  'no-address': TERMINATE_CAUSE.serviceUnavailable,
  idle: TERMINATE_CAUSE.idleTimeout,
  'session-timeout': TERMINATE_CAUSE.sessionTimeout,
  quota: TERMINATE_CAUSE.sessionTimeout,
  administrative: TERMINATE_CAUSE.adminReset,
  shutdown: TERMINATE_CAUSE.adminReboot,
};
