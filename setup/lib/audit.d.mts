export interface AuditException {
  /** As the advisory is called: GHSA-... */
  readonly id: string;
  readonly reason: string;
  /** The last day on which it holds: 2026-12-31. */
  readonly until: string;
}
export interface Advisory {
  readonly id: string;
  readonly package: string;
  readonly severity: string;
  readonly title: string;
}
export type AuditResult =
  | { readonly notAudited: string }
  | { readonly findings: readonly Advisory[]; readonly stale: readonly AuditException[] };
export function judgeAudit(report: unknown, exceptions: readonly AuditException[], today: string): AuditResult;
