/** General Error Codes (RFC 2637 section 2.16). */
export const GENERAL_ERROR = {
  none: 0,
  notConnected: 1,
  badFormat: 2,
  badValue: 3,
  noResource: 4,
  badCallId: 5,
  pacError: 6,
} as const;

/** Start-Control-Connection-Reply, Result Code (RFC 2637 section 2.2). */
export const START_RESULT = {
  successful: 1,
  generalError: 2,
  channelExists: 3,
  notAuthorized: 4,
  versionNotSupported: 5,
} as const;

/** Stop-Control-Connection-Request, Reason (RFC 2637 section 2.3). */
export const STOP_REASON = { none: 1, protocol: 2, localShutdown: 3 } as const;

/** Stop-Control-Connection-Reply and Echo-Reply, Result Code (RFC 2637 sections 2.4 and 2.6). */
export const STOP_RESULT = { ok: 1, generalError: 2 } as const;
export const ECHO_RESULT = { ok: 1, generalError: 2 } as const;

/** Outgoing-Call-Reply, Result Code (RFC 2637 section 2.8). */
export const OUTGOING_RESULT = {
  connected: 1,
  generalError: 2,
  noCarrier: 3,
  busy: 4,
  noDialTone: 5,
  timeOut: 6,
  doNotAccept: 7,
} as const;

/** Incoming-Call-Reply, Result Code (RFC 2637 section 2.10). */
export const INCOMING_RESULT = { connect: 1, generalError: 2, doNotAccept: 3 } as const;

/** Call-Disconnect-Notify, Result Code (RFC 2637 section 2.13). */
export const DISCONNECT_RESULT = { lostCarrier: 1, generalError: 2, adminShutdown: 3, request: 4 } as const;

/** Framing and bearer bits (RFC 2637 sections 2.1 and 2.7): 1 asynchronous or analog, 2 synchronous or digital. */
export const FRAMING = { asynchronous: 1, synchronous: 2, either: 3 } as const;
export const BEARER = { analog: 1, digital: 2, any: 3 } as const;

const GENERAL_ERROR_NAMES: readonly string[] = [
  'none',
  'not-connected',
  'bad-format',
  'bad-value',
  'no-resource',
  'bad-call-id',
  'pac-error',
];

/** Names for logs, indexed by code; index 0 is no code of the RFC, but Windows sends it in a CDN (MS-PTPT). */
const RESULT_NAMES = {
  start: [
    undefined,
    'successful',
    'general-error',
    'command-channel-exists',
    'not-authorized',
    'version-not-supported',
  ],
  stopReason: [undefined, 'none', 'stop-protocol', 'stop-local-shutdown'],
  stop: [undefined, 'ok', 'general-error'],
  echo: [undefined, 'ok', 'general-error'],
  outgoing: [
    undefined,
    'connected',
    'general-error',
    'no-carrier',
    'busy',
    'no-dial-tone',
    'time-out',
    'do-not-accept',
  ],
  incoming: [undefined, 'connect', 'general-error', 'do-not-accept'],
  disconnect: ['unspecified', 'lost-carrier', 'general-error', 'admin-shutdown', 'request'],
} as const satisfies Record<string, readonly (string | undefined)[]>;
export type ResultFamily = keyof typeof RESULT_NAMES;

/** The RFC's name of a Result or Reason code, or undefined when the RFC has none. */
export const resultName = (family: ResultFamily, code: number): string | undefined => RESULT_NAMES[family][code];

/** "general-error, error 4 no-resource"; unknown codes as "unknown code 99". The error is shown when it says anything. */
export const describeResult = (family: ResultFamily, result: number, error = 0): string => {
  const named = resultName(family, result) ?? `unknown code ${result}`;
  if (error === GENERAL_ERROR.none) return named;
  return `${named}, error ${error} ${GENERAL_ERROR_NAMES[error] ?? 'unknown'}`;
};
