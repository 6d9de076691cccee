import type { IncomingMessage } from 'node:http';
import type { Log } from '../../core/ports/log.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Role } from './api/roles.ts';
import type { AuditLog } from './audit.ts';
import type { RefusedBudget } from './audit-changes.ts';
import type { Caller } from './caller.ts';
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
  readonly refused: RefusedBudget;
}

/** Who asks over TCP: whoever has a token. */
export class BearerCaller implements Caller {
  readonly from: string;
  readonly #authorization: string;
  readonly #deps: BearerDeps;

  constructor(request: IncomingMessage, deps: BearerDeps) {
    this.from = plainAddress(request.socket.remoteAddress);
    this.#authorization = request.headers.authorization ?? '';
    this.#deps = deps;
  }

  identify(): Role {
    const { tokens, wrong } = this.#deps;
    const token = BEARER.exec(this.#authorization)?.[1];
    if (token === undefined) {
      const message = 'This takes a token: send it as "Authorization: Bearer TOKEN".';
      throw new AdminError(401, 'UNAUTHORIZED', message, { headers: { 'www-authenticate': REALM } });
    }
    const source = sourceOf(this.from);
    const wait = wrong.waitOf(source);
    if (wait > 0) {
      const message = `There were too many wrong tokens from ${this.from}: try again in ${wait} s.`;
      throw new AdminError(429, 'TOO_MANY_REQUESTS', message, { headers: { 'retry-after': String(wait) } });
    }
    const role = tokens().roleOf(token);
    if (role !== undefined) return role;
    wrong.note(source);
    this.#tell();
    const headers = { 'www-authenticate': `${REALM}, error="invalid_token"` };
    throw new AdminError(401, 'UNAUTHORIZED', 'This token is not one of this gateway.', { headers });
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
