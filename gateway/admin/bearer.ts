import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../../core/ports/log.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Role } from './api/roles.ts';
import type { AuditLog } from './audit.ts';
import type { RefusedBudget } from './audit-changes.ts';
import type { Caller } from './caller.ts';
import type { TokenHolder } from './ongoing-answers.ts';
import type { ProvenConnections } from './proven-connections.ts';
import { AdminError } from './route.ts';
import { plainAddress, sourceOf } from './tcp-source.ts';
import type { WrongTokens } from './wrong-tokens.ts';

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;
const REALM = 'Bearer realm="pptp-gateway"';

export interface BearerDeps {
  readonly log: Log;
  readonly audit: AuditLog;
  /** Those in force at the moment. */
  readonly tokens: () => AccessTokens;
  readonly wrong: WrongTokens;
  readonly proven: ProvenConnections;
  readonly refused: RefusedBudget;
}

/** Who asks over TCP: whoever has a token. */
export class BearerCaller implements Caller, TokenHolder {
  readonly from: string;
  readonly #socket: Socket;
  readonly #authorization: string;
  readonly #deps: BearerDeps;
  /** It was let in, and the tokens that say so. */
  #let: { readonly role: Role; readonly by: AccessTokens } | undefined;

  constructor(request: IncomingMessage, deps: BearerDeps) {
    this.#socket = request.socket;
    this.from = plainAddress(request.socket.remoteAddress);
    this.#authorization = request.headers.authorization ?? '';
    this.#deps = deps;
  }

  identify(): Role {
    const { wrong, proven } = this.#deps;
    const token = this.#token();
    if (token === undefined) {
      const message = 'This takes a token: send it as "Authorization: Bearer TOKEN".';
      throw new AdminError(401, 'UNAUTHORIZED', message, { headers: { 'www-authenticate': REALM } });
    }
    const source = sourceOf(this.from);
    const wait = wrong.waitOf(source);
    if (wait > 0 && !proven.isProven(this.#socket, token)) {
      const message = `There were too many wrong tokens from ${this.from}: try again in ${wait} s.`;
      throw new AdminError(429, 'TOO_MANY_REQUESTS', message, { headers: { 'retry-after': String(wait) } });
    }
    const tokens = this.#deps.tokens();
    const role = tokens.roleOf(token);
    if (role !== undefined) {
      this.#let = { role, by: tokens };
      proven.note(this.#socket, token);
      return role;
    }
    proven.forget(this.#socket);
    wrong.note(source);
    this.#tell();
    const headers = { 'www-authenticate': `${REALM}, error="invalid_token"` };
    throw new AdminError(401, 'UNAUTHORIZED', 'This token is not one of this gateway.', { headers });
  }

  isOutdated(): boolean {
    const token = this.#token();
    const tokens = this.#deps.tokens();
    if (this.#let === undefined || token === undefined || tokens === this.#let.by) return false;
    if (tokens.roleOf(token) !== this.#let.role) return true;
    this.#let = { role: this.#let.role, by: tokens };
    return false;
  }

  #token(): string | undefined {
    return BEARER.exec(this.#authorization)?.[1];
  }

  #tell(): void {
    const { log, audit, refused } = this.#deps;
    const passedOver = refused.take();
    if (passedOver === undefined) return;
    log.warn('admin.token-refused', `a wrong token came from ${this.from}`, { from: this.from, passedOver });
    void audit.note({
      action: 'auth.refused',
      actor: 'unknown',
      role: null,
      from: this.from,
      outcome: 'refused',
      target: passedOver === 0 ? {} : { passedOver },
      detail: 'a wrong token',
    });
  }
}
