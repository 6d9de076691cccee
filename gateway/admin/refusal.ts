import { GatewayError } from '../../core/errors.ts';

/** One mistake in what was sent, or in a configuration. */
export interface RefusedPart {
  readonly path: string;
  readonly message: string;
}

/** A running gateway has said no: ADMIN_REFUSED with its own sentence. */
export class AdminRefusal extends GatewayError {
  /** HTTP status, from 400 on. */
  readonly status: number;
  /** The stable word of the gateway: NOT_FOUND, USER_EXISTS. */
  readonly reason: string;
  /** All that is wrong, where the gateway says it part by part. */
  readonly parts: readonly RefusedPart[];

  constructor(status: number, reason: string, message: string, parts: readonly RefusedPart[] = []) {
    super('ADMIN_REFUSED', message, { cause: reason });
    this.status = status;
    this.reason = reason;
    this.parts = parts;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const partsOf = (value: unknown): readonly RefusedPart[] => {
  if (!Array.isArray(value)) return [];
  return value.flatMap((part: unknown) =>
    isObject(part) && typeof part['path'] === 'string' && typeof part['message'] === 'string'
      ? [{ path: part['path'], message: part['message'] }]
      : [],
  );
};

/** What an answer with such a status and body says. */
export const refusalOf = (status: number, body: string): AdminRefusal => {
  try {
    const said: unknown = JSON.parse(body);
    if (isObject(said) && typeof said['message'] === 'string') {
      const reason = typeof said['code'] === 'string' ? said['code'] : 'UNKNOWN';
      return new AdminRefusal(status, reason, said['message'], partsOf(said['errors']));
    }
  } catch {
    // Said below.
  }
  // Health checks answer words.
  const word = /^[\x20-\x7e]{1,64}$/.test(body.trim()) ? body.trim() : 'it did not say why';
  return new AdminRefusal(status, 'UNKNOWN', `the gateway answered ${status}: ${word}.`);
};
