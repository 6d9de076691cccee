import { instant } from '../../../../core/time.ts';
import type { ExplainContext } from '../../../../observability/journal/facts.ts';
import type { CaseName } from '../../../../observability/journal/finding.ts';
import type { JournalNumbers, JournalPhase, JournalRecord } from '../../../../observability/journal/record.ts';

const BEGAN = instant(1_000);

export const NUMBERS: JournalNumbers = {
  packetsIn: 50,
  packetsOut: 40,
  octetsIn: 5_000,
  octetsOut: 4_000,
  lost: 0,
  acknowledged: 39,
  windowDropped: undefined,
  drops: {},
};

export const phase = (name: string, error?: string): JournalPhase => ({
  name,
  startedAt: BEGAN,
  endedAt: instant(2_000),
  failure: error === undefined ? undefined : { error, message: 'said' },
});

/** A client whose set-up goes on in LCP. */
export const RECORD: JournalRecord = {
  id: 'aabbccddeeff',
  kind: 'tunnel',
  role: 'server',
  traceId: '1'.repeat(32),
  outcome: 'setup',
  startedAt: BEGAN,
  upAt: undefined,
  endedAt: undefined,
  peer: '203.0.113.9:40000',
  user: undefined,
  method: undefined,
  address: undefined,
  encryption: undefined,
  identification: undefined,
  phases: [phase('control'), { ...phase('lcp'), endedAt: undefined }],
  failure: undefined,
  end: undefined,
  notes: [],
  messages: [],
  leftOut: 0,
  numbers: NUMBERS,
};

export const OVER = { endedAt: instant(11_000) };
export const UP: Partial<JournalRecord> = {
  upAt: instant(2_000),
  outcome: 'up',
  user: 'alice',
  address: '10.99.0.2',
  phases: ['control', 'lcp', 'auth', 'ccp', 'ipcp'].map((name) => phase(name)),
};

export const failedIn = (name: string, error: string, message: string): Partial<JournalRecord> => ({
  ...OVER,
  outcome: 'failed',
  failure: { error, message },
  phases: [phase('control'), phase(name, error)],
});
export const endedBy = (reason: string, detail: string): Partial<JournalRecord> => ({
  ...UP,
  ...OVER,
  outcome: 'closed',
  end: { reason, detail },
});
export const dropped = (drops: Record<string, number>): Partial<JournalRecord> => ({
  ...UP,
  numbers: { ...NUMBERS, drops },
});
export const note = (event: string, fields: Record<string, string> = {}) => ({
  at: instant(3_000),
  event,
  message: event,
  fields,
});
export const denied = (denial: string, ...others: ReturnType<typeof note>[]): Partial<JournalRecord> => ({
  ...failedIn('auth', 'authentication-failed', 'ms-chap-v2: refused'),
  user: 'alice',
  method: 'ms-chap-v2',
  notes: [...others, note('auth.failed', { denial })],
});
export const SILENT: JournalNumbers = { ...NUMBERS, packetsIn: 0, acknowledged: -1 };
export const NO_GRE: Partial<JournalRecord> = {
  ...failedIn('lcp', 'no-gre', 'no GRE packet arrived'),
  numbers: SILENT,
};

export const CONTEXT: ExplainContext = {
  settings: {
    authMethods: ['ms-chap-v2'],
    encryption: 'required',
    strengths: [128],
    pool: '10.99.0.0/24',
    maxCalls: 253,
    mru: 1400,
    tunMtu: 1396,
  },
  besides: [],
  wrongPeer: false,
  now: instant(21_000),
};

export interface Situation {
  readonly name: CaseName;
  /** "requirements" are rows of the table of users' pains that the project answers. */
  readonly because: string;
  readonly record: Partial<JournalRecord>;
  readonly context?: Partial<ExplainContext>;
  /** What the finding must name. */
  readonly says: RegExp;
}
