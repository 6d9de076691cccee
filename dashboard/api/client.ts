/** The gateway has answered, with a refusal. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  /** How long it wants to be left alone; 0 where it did not say. */
  readonly waitMs: number;

  constructor(status: number, code: string, message: string, waitMs = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.waitMs = waitMs;
  }
}

/** Asking again would be answered the same. */
export const isFinal = ({ status }: Refused): boolean =>
  status >= 400 && status < 500 && status !== 408 && status !== 429;

/** Nobody has answered. */
export class Away extends Error {}

export interface Client {
  /** Rejects with Refused or Away; nobody is waited for longer than `patienceMs`. */
  ask<T>(method: string, path: string, body?: object, patienceMs?: number): Promise<T>;
  /** The body as it comes. */
  open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

const ASK_MS = 15_000;

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
}

const waitOf = (response: Response): number => {
  const seconds = Number(response.headers.get('retry-after') ?? '0');
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) * 1000 : 0;
};

const refusal = async (response: Response): Promise<Refused> => {
  const body: ErrorBody | null = await response.json().catch(() => null);
  const message = typeof body?.message === 'string' ? body.message : `The gateway answered ${response.status}.`;
  return new Refused(response.status, String(body?.code ?? response.status), message, waitOf(response));
};

/** Asks the gateway this page came from. `onUnknown`: it does not take the token any more. */
export const createClient = (token: string, onUnknown: (refused: Refused) => void): Client => {
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (init.body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(path, {
      ...init,
      headers,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    }).catch((cause: unknown) => {
      throw new Away('The gateway does not answer.', { cause });
    });
    if (response.ok) return response;
    const refused = await refusal(response);
    if (refused.status === 401) onUnknown(refused);
    throw refused;
  };
  return {
    async ask<T>(method: string, path: string, body?: object, patienceMs = ASK_MS): Promise<T> {
      const response = await send(path, {
        method,
        signal: AbortSignal.timeout(patienceMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text().catch((cause: unknown) => {
        throw new Away('The gateway went away while it answered.', { cause });
      });
      return JSON.parse(text === '' ? '{}' : text);
    },
    async open(path, signal) {
      const { body } = await send(path, { signal });
      if (body === null) throw new Away('The gateway sent no stream.');
      return body;
    },
  };
};
