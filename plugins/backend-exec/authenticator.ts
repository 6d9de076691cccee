import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { readAnswer, settleAnswer } from '../../core/json/answer-json.ts';
import { isJsonKind, questionJson } from '../../core/json/proof-json.ts';
import type { Authenticator, AuthKind, AuthKinds, BackEndAnswer, ProofOrigin } from '../../core/ports/auth.ts';
import type { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import { ExecFault } from './fault.ts';
import type { ExecOptions } from './options.ts';
import type { Pool } from './pool.ts';

/** Asks the program about each proof. */
export class ExecAuthenticator implements Authenticator {
  readonly name = 'exec';
  private readonly pool: Pick<Pool, 'ask'>;
  private readonly log: BoundedLog;
  private readonly options: Pick<ExecOptions, 'proofs' | 'fixedAddresses'>;

  constructor(pool: Pick<Pool, 'ask'>, log: BoundedLog, options: Pick<ExecOptions, 'proofs' | 'fixedAddresses'>) {
    this.pool = pool;
    this.log = log;
    this.options = options;
  }

  supports(kind: AuthKind): boolean {
    return this.options.proofs.some((one) => one === kind);
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    return this.options.fixedAddresses;
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
    origin: ProofOrigin,
  ): Promise<BackEndAnswer<K>> {
    if (!isJsonKind(kind) || !this.supports(kind)) return { ok: false, denial: 'unavailable' };
    const read = readAnswer(kind, await this.pool.ask(questionJson(kind, request, origin), signal));
    if (!read.ok) throw this.refused(read.complaint);
    const answer = settleAnswer(kind, request, read.value);
    if (answer === undefined) throw this.refused(`answer has a secret that cannot judge a proof of the kind ${kind}`);
    return answer;
  }

  private refused(complaint: string): ExecFault {
    this.log.warn('exec.answer-refused', `An answer of the program cannot be used: ${complaint}.`, {});
    return new ExecFault('EXEC_ANSWER', complaint);
  }
}
