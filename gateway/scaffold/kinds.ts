import { accountingKind } from './kind-accounting.ts';
import { authenticatorKind } from './kind-authenticator.ts';
import { eapMethodKind } from './kind-eap-method.ts';
import { listenerKind } from './kind-listener.ts';
import { policyKind } from './kind-policy.ts';
import { stageKind } from './kind-stage.ts';
import type { ScaffoldNames } from './names.ts';

/** What is different from kind to kind. */
export interface ScaffoldKind {
  /** What the package is, for its README. */
  readonly about: string;
  /** Settings of an example that works: by the end of their environment names. */
  readonly env: Readonly<Record<string, string>>;
  /** Settings of the gateway itself that it takes to try the plug-in. */
  readonly gatewayEnv?: Readonly<Record<string, string>>;
  readonly source: (names: ScaffoldNames) => string;
  readonly test: (names: ScaffoldNames) => string;
}

export const SCAFFOLD_KINDS: ReadonlyMap<string, ScaffoldKind> = new Map<string, ScaffoldKind>([
  ['authenticator', authenticatorKind],
  ['policy', policyKind],
  ['accounting', accountingKind],
  ['stage', stageKind],
  ['eap-method', eapMethodKind],
  ['listener', listenerKind],
]);
