import type { AuthRole, MppeKeyMaterial } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { EapEffect } from '../../core/ports/eap.ts';
import type { TlsProgress } from '../../core/ports/tls-engine.ts';
import { masterKeys } from './keys.ts';

/** The result of a step of TLS, as it comes back through the driver. */
export class TlsStep {
  readonly progress: TlsProgress;
  /** Of an established session. */
  readonly keys: MppeKeyMaterial | undefined;

  constructor(progress: TlsProgress, role: AuthRole) {
    this.progress = progress;
    this.keys = progress.state === 'established' ? masterKeys(progress, role) : undefined;
  }
}

/** Keys are taken inside the task: should TLS be gone by then, it is the task that fails, and no machine throws. */
export const tlsStep = (role: AuthRole, work: (signal: CancelSignal) => Promise<TlsProgress>): EapEffect => ({
  kind: 'compute',
  task: async (signal) => new TlsStep(await work(signal), role),
});
