import type { EncryptionParameters, LinkEffect } from '../../core/machine/ppp-link-types.ts';
import type { PhaseSpan, SetupPhase, TunnelTrace } from '../../core/ports/telemetry.ts';

export interface SetupFailure {
  /** A stable word. */
  readonly error: string;
  readonly message: string;
}

type PhaseEffect = Extract<LinkEffect, { readonly kind: 'phase' }>;

/** The trace of one tunnel's set-up: ends when the tunnel is first up, or when it fails before that. */
export class SetupTrace {
  private readonly trace: TunnelTrace;
  private readonly open = new Map<SetupPhase, PhaseSpan>();
  private ended = false;
  private isUp = false;
  private firstFailure: SetupFailure | undefined;
  private encryptionText = 'none';

  constructor(trace: TunnelTrace) {
    this.trace = trace;
  }

  get traceId(): string {
    return this.trace.traceId;
  }

  /** "MPPE 128 stateless", "MPPE 40 stateful + MPPC", "MPPC stateless" or "none". */
  get encryptionName(): string {
    return this.encryptionText;
  }

  phase(effect: PhaseEffect): void {
    if (this.ended) return;
    if (effect.state === 'begin') {
      this.open.get(effect.phase)?.end();
      this.open.set(effect.phase, this.trace.phase(effect.phase));
      return;
    }
    const span = this.open.get(effect.phase);
    this.open.delete(effect.phase);
    if (effect.state !== 'failed') {
      span?.end();
      return;
    }
    const failure = { error: effect.error, message: effect.detail };
    this.firstFailure ??= failure;
    span?.end(failure);
  }

  authenticated(identity: string, method: string): void {
    if (this.ended) return;
    this.trace.attributes({ 'user.name': identity, 'ppp.auth.protocol': method });
  }

  attribute(name: string, value: string): void {
    if (!this.ended) this.trace.attributes({ [name]: value });
  }

  /** Undefined: there is none any more. */
  encryption(parameters: EncryptionParameters | undefined): void {
    this.encryptionText = parameters === undefined ? 'none' : describeEncryption(parameters);
    if (this.ended || parameters === undefined) return;
    this.trace.attributes({
      'ppp.mppe.key_bits': parameters.strength ?? 0,
      'ppp.mppe.stateless': parameters.stateless,
      'ppp.mppc': parameters.compression === true,
    });
  }

  up(address: string): void {
    if (this.ended) return;
    this.isUp = true;
    this.trace.attributes({ 'ppp.ipcp.address': address });
    this.finish();
  }

  /** The call is over. Before the tunnel was up that is a failure: the phase that failed says why, if one did. */
  fail(error: string, message: string): void {
    if (!this.ended) this.finish(this.firstFailure ?? { error, message });
  }

  /** Why the set-up failed, once a phase has. Peers then hang up in their own way, which says less. */
  get failure(): SetupFailure | undefined {
    return this.isUp ? undefined : this.firstFailure;
  }

  private finish(failure?: SetupFailure): void {
    this.ended = true;
    for (const span of this.open.values()) span.end(failure);
    this.open.clear();
    this.trace.end(failure);
  }
}

const describeEncryption = ({ strength, stateless, compression }: EncryptionParameters): string => {
  const mode = stateless ? 'stateless' : 'stateful';
  if (strength === undefined) return `MPPC ${mode}`;
  return `MPPE ${strength} ${mode}${compression === true ? ' + MPPC' : ''}`;
};
