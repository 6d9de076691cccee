import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { printable } from '../../core/bytes/ascii.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { AdminError, type AdminErrorBody } from './route.ts';

/** Words of refusals that no route makes itself. */
export const STATUS_CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  417: 'EXPECTATION_FAILED',
  429: 'TOO_MANY_REQUESTS',
  431: 'HEADERS_TOO_LARGE',
};

const LONGEST_NAME = 128;

export const refuse = (reply: FastifyReply, status: number, body: AdminErrorBody): FastifyReply => {
  reply.request.refusal = body;
  return reply.code(status).type('application/json; charset=utf-8').send(body);
};

/** What a JSON schema says of the first thing that is wrong. */
interface Mistake {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

const isMistake = (value: unknown): value is Mistake =>
  typeof field(value, 'instancePath') === 'string' && typeof field(value, 'params') === 'object';

/** Values are not repeated: they may be secrets. Names that do not belong there are. */
const inWords = ({ keyword, params, message = 'is not as it must be' }: Mistake): string => {
  if (keyword === 'additionalProperties') {
    return `${message}: ${JSON.stringify(printable(String(params['additionalProperty']), LONGEST_NAME))}`;
  }
  if (keyword === 'enum' && Array.isArray(params['allowedValues'])) {
    return `${message}: ${params['allowedValues'].map(String).join(', ')}`;
  }
  return message;
};

const ofSchema = (error: Error): AdminErrorBody | undefined => {
  const validation = field(error, 'validation');
  if (!Array.isArray(validation)) return undefined;
  const part = String(field(error, 'validationContext') ?? 'request');
  const errors = validation.filter(isMistake).map((mistake) => ({
    path: `${part}${mistake.instancePath}`,
    message: inWords(mistake),
  }));
  const message = errors.map(({ path, message: what }) => `${path} ${what}`).join(', ');
  return { code: 'INVALID_REQUEST', message: `${message}.`, errors };
};

/** Sentences for what fastify refuses, whose own may quote what was sent. */
const SENTENCES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is no JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is said to be JSON and is empty',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON, with Content-Type: application/json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its Content-Length says',
  FST_ERR_BAD_URL: 'The path is not escaped as it must be',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is too long',
};

/** What fastify itself refuses: a body that is too long, no JSON, or not as its schema says. */
const ofClient = (error: unknown): { readonly status: number; readonly body: AdminErrorBody } | undefined => {
  if (!(error instanceof Error)) return undefined;
  const status = field(error, 'statusCode');
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  const body = ofSchema(error);
  if (body !== undefined) return { status, body };
  const sentence = SENTENCES[String(field(error, 'code'))] ?? 'The request is not as it must be';
  return { status, body: { code: STATUS_CODES[status] ?? 'INVALID_REQUEST', message: `${sentence}.` } };
};

export const answerError = (error: unknown, reply: FastifyReply, log: Log): FastifyReply => {
  if (error instanceof AdminError) {
    const { status, code, message, headers, errors } = error;
    for (const [name, value] of Object.entries(headers)) void reply.header(name, value);
    return refuse(reply, status, { code, message, ...(errors === undefined ? {} : { errors }) });
  }
  if (error instanceof GatewayError) return refuse(reply, 409, { code: error.code, message: error.message });
  const known = ofClient(error);
  if (known !== undefined) return refuse(reply, known.status, known.body);
  log.error('admin.fault', 'a bug in an admin route', { error });
  return refuse(reply, 500, { code: 'INTERNAL', message: 'An internal error; the log of the gateway has it.' });
};

/** An answer to a connection that no request can be made of. */
export const rawRefusal = (status: number, phrase: string, message: string): string => {
  const body = JSON.stringify({ code: STATUS_CODES[status] ?? 'INVALID_REQUEST', message } satisfies AdminErrorBody);
  return `HTTP/1.1 ${status} ${phrase}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
};

/** What is said last to a connection; to who has not taken what was said before, nothing. */
const lastWord = (socket: Socket, refusal: string): void => {
  if (socket.writableLength > 0) socket.destroy();
  // Who does not read it must not keep the connection.
  else socket.end(refusal, () => socket.destroySoon());
};

/** What is being answered on a connection; undefined: nothing. */
export const answering = (socket: Socket): unknown => field(socket, '_httpMessage') ?? undefined;

/** To who wants a tunnel through the admin API; node does not listen to the connection any more. */
export const refuseTunnel = (socket: Socket): void => {
  // An error that nobody listens to would end the gateway.
  socket.on('error', () => undefined);
  if (answering(socket) !== undefined) socket.destroy();
  else lastWord(socket, rawRefusal(405, 'Method Not Allowed', 'This is no proxy.'));
};

/** To who does not speak HTTP, or too much of it, or too slowly; node's parser has given up on the connection. */
export const hangUp = (error: Error, socket: Socket): void => {
  const code = field(error, 'code');
  // What is said now must not be taken for the answer to an earlier request, or for a part of it.
  const answer = answering(socket);
  const timedOut = code === 'ERR_HTTP_REQUEST_TIMEOUT' && field(answer, 'headersSent') !== true;
  if (!socket.writable || code === 'ECONNRESET' || (answer !== undefined && !timedOut)) {
    socket.destroy();
    return;
  }
  const refusal =
    code === 'HPE_HEADER_OVERFLOW'
      ? rawRefusal(431, 'Request Header Fields Too Large', 'The header is too long.')
      : timedOut
        ? rawRefusal(408, 'Request Timeout', 'The request did not come in time.')
        : rawRefusal(400, 'Bad Request', 'This is no HTTP request.');
  lastWord(socket, refusal);
};
