import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AuthKind, AuthKinds, BackEndAnswer, ProofOrigin } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { PhaseSpan, Telemetry } from '../../core/ports/telemetry.ts';
import type { AskedBackEnd } from '../containment/containment.ts';

/** The back-end, with a watch on how long it takes to answer. */
export const timed = (
  backEnd: AskedBackEnd,
  clock: Pick<Clock, 'now'>,
  telemetry: Pick<Telemetry, 'measure'>,
): AskedBackEnd => new TimedBackEnd(backEnd, clock, telemetry);

class TimedBackEnd implements AskedBackEnd {
  readonly name: string;
  private readonly backEnd: AskedBackEnd;
  private readonly clock: Pick<Clock, 'now'>;
  private readonly telemetry: Pick<Telemetry, 'measure'>;

  constructor(backEnd: AskedBackEnd, clock: Pick<Clock, 'now'>, telemetry: Pick<Telemetry, 'measure'>) {
    this.name = backEnd.name;
    this.backEnd = backEnd;
    this.clock = clock;
    this.telemetry = telemetry;
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    return this.backEnd.reservedAddresses?.() ?? new Set();
  }

  supports(kind: AuthKind): boolean {
    return this.backEnd.supports(kind);
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
    origin: ProofOrigin,
    span?: PhaseSpan,
  ): Promise<BackEndAnswer<K>> {
    const began = this.clock.now();
    // What a failure is called where its cause is not told.
    let result = 'unavailable';
    try {
      const answer = await this.backEnd.verify(kind, request, signal, origin, span);
      result = answer.ok ? 'ok' : answer.denial;
      return answer;
    } finally {
      const seconds = (this.clock.now() - began) / 1000;
      this.telemetry.measure('pptp.auth.backend.duration', seconds, { backend: this.name, result });
    }
  }
}
