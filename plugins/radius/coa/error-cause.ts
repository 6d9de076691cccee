/** Error-Cause (RFC 5176 section 3.5). */
export const ERROR_CAUSE = {
  unsupportedAttribute: 401,
  missingAttribute: 402,
  nasMismatch: 403,
  invalidRequest: 404,
  unsupportedService: 405,
  invalidValue: 407,
  sessionNotFound: 503,
  resourcesUnavailable: 506,
  severalSessions: 508,
} as const;
export type ErrorCause = (typeof ERROR_CAUSE)[keyof typeof ERROR_CAUSE];
