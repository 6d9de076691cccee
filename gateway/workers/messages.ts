import type { GatewayConfig } from '../../config/types.ts';
import { CONNECTION_STANDINGS, type ConnectionStanding } from '../../plugins/control-pptp/index.ts';
import { isWorkerHeritage, type WorkerHeritage } from '../upgrade/crew-messages.ts';
import type { Shard } from './shard.ts';

/** What a worker is told first, and all it needs: a worker that is started again reads no file of settings. */
export interface WorkerStart {
  readonly shard: Shard;
  /** Of the whole gateway; the worker takes its share (`workerConfig`). */
  readonly config: GatewayConfig;
  readonly version: string;
  /** How often a worker of this index was started before. */
  readonly restarts: number;
  /** Undefined: it takes over from nobody. */
  readonly inherits?: WorkerHeritage;
}

/** A question and its answer; `id` is of the asking side. The bodies are looked at by the `Ask` that they belong to. */
export type RequestMessage = {
  readonly kind: 'request';
  readonly id: number;
  readonly ask: string;
  readonly body: unknown;
};
export type ResponseMessage =
  | { readonly kind: 'response'; readonly id: number; readonly ok: true; readonly body: unknown }
  | {
      readonly kind: 'response';
      readonly id: number;
      readonly ok: false;
      readonly code: string;
      readonly message: string;
    };

/** From the supervisor to a worker. */
export type SupervisorMessage =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  /** Comes with the socket of a control connection. `isKnown`: a user has logged in from its address before. */
  | { readonly kind: 'connection'; readonly connection: number; readonly isKnown: boolean }
  /** It has to make room for another one. */
  | { readonly kind: 'evict'; readonly connection: number }
  | { readonly kind: 'ping'; readonly id: number }
  /** Clear all calls and end. */
  | { readonly kind: 'stop' }
  /** Another process goes on with all it has: end without a word to anybody. */
  | { readonly kind: 'leave' }
  /** To a worker that takes over (`ToHeir`); may come with a socket. */
  | { readonly kind: 'moved'; readonly body: unknown }
  | RequestMessage
  | ResponseMessage;

/** From a worker to the supervisor. */
export type WorkerMessage =
  /** Everything but connections is there. */
  | { readonly kind: 'ready'; readonly tun: string; readonly stages: readonly string[] }
  /** It could not start; `code` is that of a GatewayError, or INTERNAL. It ends by itself. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** A device failed for good, and the worker ends by itself. */
  | { readonly kind: 'broken'; readonly device: string; readonly message: string }
  /** The socket has arrived and is the worker's now. */
  | { readonly kind: 'taken'; readonly connection: number }
  /** How far it is, for the limits of those whose user has not proven itself. */
  | { readonly kind: 'standing'; readonly connection: number; readonly standing: ConnectionStanding }
  /** The socket is closed. */
  | { readonly kind: 'ended'; readonly connection: number }
  /** `sessions`: calls that it has, up or being set up. */
  | { readonly kind: 'pong'; readonly id: number; readonly sessions: number }
  /** Of one that is handed over (`WorkerPiece`), or takes over (`FromHeir`); may come with a socket. */
  | { readonly kind: 'moved'; readonly body: unknown }
  | RequestMessage
  | ResponseMessage;

type Fields = ReadonlyMap<string, unknown>;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
const isText = (value: unknown): value is string => typeof value === 'string';

/** The message that a worker sent; undefined for anything else. */
export const parseWorkerMessage = (value: unknown): WorkerMessage | undefined => {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const kind = fields.get('kind');
  switch (kind) {
    case 'ready': {
      const [tun, stages] = [fields.get('tun'), fields.get('stages')];
      return isText(tun) && Array.isArray(stages) && stages.every(isText) ? { kind, tun, stages } : undefined;
    }
    case 'failed': {
      const [code, message] = [fields.get('code'), fields.get('message')];
      return isText(code) && isText(message) ? { kind, code, message } : undefined;
    }
    case 'broken': {
      const [device, message] = [fields.get('device'), fields.get('message')];
      return isText(device) && isText(message) ? { kind, device, message } : undefined;
    }
    case 'standing': {
      const connection = fields.get('connection');
      const standing = CONNECTION_STANDINGS.find((one) => one === fields.get('standing'));
      return isNumber(connection) && standing !== undefined ? { kind, connection, standing } : undefined;
    }
    case 'taken':
    case 'ended': {
      const connection = fields.get('connection');
      return isNumber(connection) ? { kind, connection } : undefined;
    }
    case 'pong': {
      const [id, sessions] = [fields.get('id'), fields.get('sessions')];
      return isNumber(id) && isNumber(sessions) ? { kind, id, sessions } : undefined;
    }
    case 'moved':
      return { kind, body: fields.get('body') };
    default:
      return parseQuestion(fields);
  }
};

/** The request or response that somebody sent; undefined for anything else. */
const parseQuestion = (fields: Fields): RequestMessage | ResponseMessage | undefined => {
  const [kind, id] = [fields.get('kind'), fields.get('id')];
  if (!isNumber(id)) return undefined;
  if (kind === 'request') {
    const ask = fields.get('ask');
    return isText(ask) ? { kind, id, ask, body: fields.get('body') } : undefined;
  }
  if (kind !== 'response') return undefined;
  if (fields.get('ok') === true) return { kind, id, ok: true, body: fields.get('body') };
  const [code, message] = [fields.get('code'), fields.get('message')];
  const refused = fields.get('ok') === false && isText(code) && isText(message);
  return refused ? { kind, id, ok: false, code, message } : undefined;
};

const isShard = (value: unknown): value is Shard => {
  const fields = fieldsOf(value);
  return isNumber(fields?.get('index')) && isNumber(fields?.get('count'));
};

/** As far as it is looked at: the supervisor has checked the configuration, and is of the same build. */
const isWorkerStart = (value: unknown): value is WorkerStart => {
  const fields = fieldsOf(value);
  if (fields === undefined) return false;
  const { shard, config, version, restarts, inherits } = Object.fromEntries(fields);
  const whole = isShard(shard) && fieldsOf(config) !== undefined && isText(version) && isNumber(restarts);
  return whole && (inherits === undefined || isWorkerHeritage(inherits));
};

/** The message that the supervisor sent; undefined for anything else. */
export const parseSupervisorMessage = (value: unknown): SupervisorMessage | undefined => {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const kind = fields.get('kind');
  switch (kind) {
    case 'start': {
      const start = fields.get('start');
      return isWorkerStart(start) ? { kind, start } : undefined;
    }
    case 'connection': {
      const [connection, isKnown] = [fields.get('connection'), fields.get('isKnown')];
      return isNumber(connection) && typeof isKnown === 'boolean' ? { kind, connection, isKnown } : undefined;
    }
    case 'evict': {
      const connection = fields.get('connection');
      return isNumber(connection) ? { kind, connection } : undefined;
    }
    case 'ping': {
      const id = fields.get('id');
      return isNumber(id) ? { kind, id } : undefined;
    }
    case 'stop':
    case 'leave':
      return { kind };
    case 'moved':
      return { kind, body: fields.get('body') };
    default:
      return parseQuestion(fields);
  }
};
