/** Severities that count, the lowest first. */
const COUNTED = ['high', 'critical'];

const advisoriesOf = (report) => {
  const found = new Map();
  for (const { via = [] } of Object.values(report.vulnerabilities ?? {})) {
    for (const one of via) {
      // A text names another package of the report, whose own entry has the advisory.
      if (typeof one !== 'object' || !COUNTED.includes(one.severity)) continue;
      const id = /GHSA-[\w-]+/.exec(one.url ?? '')?.[0] ?? String(one.source ?? one.title);
      found.set(id, { id, package: one.name, severity: one.severity, title: one.title });
    }
  }
  return [...found.values()];
};

/**
 * What `npm audit --json` said, as one of: `notAudited` with the reason; or `findings`, those of severity high and
 * critical that no exception covers, and `stale`, exceptions that cover nothing any more or are over.
 *
 * @param {unknown} report what was parsed, undefined for none
 * @param {{ id: string, reason: string, until: string }[]} exceptions
 * @param {string} today as in `until`: 2026-11-22
 */
export const judgeAudit = (report, exceptions, today) => {
  if (typeof report !== 'object' || report === null) return { notAudited: 'npm audit gave no report' };
  if (typeof report.vulnerabilities !== 'object' || report.vulnerabilities === null) {
    const why = report.error?.summary || report.message || report.error?.code || 'npm audit gave no report';
    return { notAudited: String(why).split('\n')[0] };
  }
  const advisories = advisoriesOf(report);
  const inForce = exceptions.filter(({ until }) => until >= today);
  return {
    findings: advisories.filter(({ id }) => !inForce.some((exception) => exception.id === id)),
    stale: exceptions.filter(
      (exception) => !inForce.includes(exception) || !advisories.some(({ id }) => id === exception.id),
    ),
  };
};
