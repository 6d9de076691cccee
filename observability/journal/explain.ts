import { AUTH_CASES } from './cases-auth.ts';
import { CONTROL_CASES } from './cases-control.ts';
import { GRE_CASES } from './cases-gre.ts';
import { LIFE_CASES } from './cases-life.ts';
import { NEGOTIATION_CASES } from './cases-negotiation.ts';
import { type ExplainContext, Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { JournalRecord } from './record.ts';

/** Looks at the facts and says its thing, or nothing. */
export type Case = (facts: Facts) => Finding | undefined;

/** The narrower cause first: the first failure that a case finds is the explanation. */
const FAILURES: readonly Case[] = [...CONTROL_CASES, ...AUTH_CASES, ...GRE_CASES, ...NEGOTIATION_CASES];

const unknown = (facts: Facts): Finding => ({
  case: 'unknown',
  severity: 'failure',
  what: facts.detail === '' ? 'It ended, and nothing says why.' : `It ended: ${facts.detail}.`,
  where: `The last phase was ${facts.phase?.name ?? 'none'}.`,
  todo: [
    'Look at the timeline below, then at the log with `pptp-gateway log-level debug --for 10m` while the client tries again.',
    'A capture shows every frame: `pptp-gateway capture`.',
  ],
  ...(facts.error === '' ? {} : { code: facts.error }),
});

const firstOf = (cases: readonly Case[], facts: Facts): Finding | undefined => {
  for (const one of cases) {
    const finding = one(facts);
    if (finding !== undefined) return finding;
  }
  return undefined;
};

const state = (facts: Facts): Finding => {
  if (facts.wasUp) {
    return {
      case: 'healthy',
      severity: 'info',
      what: `The tunnel is up since ${Math.round(facts.seconds)} s, and nothing about it is out of the ordinary.`,
      where: 'Nowhere.',
      todo: [
        'If something does not work all the same, look behind the gateway: routes, DNS, firewalls of the intranet.',
        'If connections open and then hang, big GRE packets may be lost on the way to the client, of which nobody tells the gateway: try PPTP_MRU 1300.',
      ],
    };
  }
  return {
    case: 'in-progress',
    severity: 'info',
    what: 'The tunnel is being set up, and nothing has gone wrong yet.',
    where: `It is in phase ${facts.phase?.name ?? 'control'} for ${facts.seconds.toFixed(1)} s.`,
    todo: ['Ask again in some seconds.'],
  };
};

/** What there is to say about a record, the main thing first; never nothing. */
export const explain = (record: JournalRecord, context: ExplainContext): readonly Finding[] => {
  const facts = new Facts(record, context);
  const failed = facts.over ? !facts.wasUp : record.failure !== undefined;
  const main = facts.wasUp && !failed ? undefined : firstOf(FAILURES, facts);
  const besides = LIFE_CASES.map((one) => one(facts)).filter((finding) => finding !== undefined);
  const findings = main === undefined ? besides : [main, ...besides.filter((one) => one.case !== main.case)];
  const sorted = findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]);
  if (sorted.some(({ severity }) => severity !== 'warning')) return sorted;
  // A tunnel that was up may also fail in a later negotiation.
  if (facts.over) return [firstOf(FAILURES, facts) ?? unknown(facts), ...sorted];
  return sorted.length > 0 ? sorted : [state(facts)];
};

const RANK: Readonly<Record<Finding['severity'], number>> = { failure: 0, warning: 1, info: 2 };
