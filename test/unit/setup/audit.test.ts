import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type AuditException, judgeAudit } from '../../../setup/lib/audit.mjs';

const advisory = (id: string, severity: string) => ({
  source: 1,
  name: 'left-pad',
  title: 'It pads too much',
  url: `https://github.com/advisories/${id}`,
  severity,
});
const report = (...advisories: readonly object[]) => ({
  auditReportVersion: 2,
  vulnerabilities: {
    'left-pad': { name: 'left-pad', severity: 'high', via: advisories },
    // It is only affected because it uses the other one.
    above: { name: 'above', severity: 'high', via: ['left-pad'] },
  },
  metadata: { vulnerabilities: { high: 1 } },
});
const exception = (id: string, until: string): AuditException => ({ id, until, reason: 'we never pad' });
const TODAY = '2026-11-22';

describe('what npm audit said', () => {
  test('is a finding where it is high or critical', () => {
    const said = report(advisory('GHSA-aaaa-bbbb-cccc', 'high'), advisory('GHSA-dddd-eeee-ffff', 'moderate'));
    expect(judgeAudit(said, [], TODAY)).toEqual({
      findings: [{ id: 'GHSA-aaaa-bbbb-cccc', package: 'left-pad', severity: 'high', title: 'It pads too much' }],
      stale: [],
    });
  });

  test('is none where an exception holds, until it is over', () => {
    const said = report(advisory('GHSA-aaaa-bbbb-cccc', 'critical'));
    const known = [exception('GHSA-aaaa-bbbb-cccc', TODAY)];
    expect(judgeAudit(said, known, TODAY)).toEqual({ findings: [], stale: [] });
    expect(judgeAudit(said, known, '2026-11-23')).toMatchObject({ findings: [{ severity: 'critical' }], stale: known });
  });

  test('shows exceptions that nothing needs any more', () => {
    const known = [exception('GHSA-aaaa-bbbb-cccc', '2027-01-01')];
    expect(judgeAudit({ vulnerabilities: {} }, known, TODAY)).toEqual({ findings: [], stale: known });
  });

  test.each([
    [undefined, 'npm audit gave no report'],
    [{}, 'npm audit gave no report'],
    [{ message: '405 Method Not Allowed\nmore', method: 'POST' }, '405 Method Not Allowed'],
    [{ error: { code: 'ENOAUDIT', summary: 'the registry has no audit' } }, 'the registry has no audit'],
  ])('is no audit where there is no report: %o', (said, why) => {
    expect(judgeAudit(said, [], TODAY)).toEqual({ notAudited: why });
  });
});

test('every exception in force has a reason and a last day', () => {
  const known = JSON.parse(readFileSync('setup/audit-exceptions.json', 'utf8')) as readonly AuditException[];
  for (const { id, reason, until } of known) {
    expect(id).toMatch(/^GHSA-/);
    expect(reason.length).toBeGreaterThan(20);
    expect(until).toMatch(/^\d{4}-\d\d-\d\d$/);
  }
});
