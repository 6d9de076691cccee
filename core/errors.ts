/**
 * Operator mistakes and environment failures: every one has a stable `code` (docs/errors.md lists them, a test
 * compares) and a message that says what to do. Peer misbehaviour is never an exception.
 */
export const ERROR_CODES = [
  'CONFIG_INVALID',
  'CONFIG_FILE',
  'NOT_ROOT',
  'TUN_MISSING',
  'TUN_BUSY',
  'PORT_TAKEN',
  'ADDRESS_UNAVAILABLE',
  'NATIVE_MISSING',
  'GRE_SOCKET',
  'HOST_NETWORK',
  'HOST_REFUSED',
  'USERS_FILE',
  'USER_EXISTS',
  'USER_UNKNOWN',
  'USER_INVALID',
  'PLUGIN_INVALID',
  'STAGE_CONFLICT',
  'STATE_DIR',
  'DIAL_FAILED',
  'DIAL_REFUSED',
  'DIAL_AUTH',
  'DIAL_UNAVAILABLE',
  'DIAL_NO_GRE',
  'DIAL_YIELDED',
  'DIAL_LOST',
  'EAP_TLS',
  'ADMIN_SOCKET',
  'ADMIN_UNREACHABLE',
  'ADMIN_REFUSED',
  'ADMIN_LISTEN',
  'ADMIN_TOKEN',
  'CAPTURE_FILE',
  'METRICS_ENDPOINT',
  'WORKER_FAILED',
  'NOT_READY',
  'UPGRADE_REFUSED',
  'UPGRADE_FAILED',
  'RUN_AS',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export class GatewayError extends Error {
  readonly code: ErrorCode;
  override readonly name = 'GatewayError';

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
