import { describe, expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { explain } from '../../../../observability/journal/explain.ts';
import type { ExplainContext } from '../../../../observability/journal/facts.ts';
import { CASES, type CaseName, type Finding } from '../../../../observability/journal/finding.ts';
import type { JournalNumbers, JournalPhase, JournalRecord } from '../../../../observability/journal/record.ts';

const BEGAN = instant(1_000);

const NUMBERS: JournalNumbers = {
  packetsIn: 50,
  packetsOut: 40,
  octetsIn: 5_000,
  octetsOut: 4_000,
  lost: 0,
  acknowledged: 39,
  windowDropped: undefined,
  drops: {},
};

const phase = (name: string, error?: string): JournalPhase => ({
  name,
  startedAt: BEGAN,
  endedAt: instant(2_000),
  failure: error === undefined ? undefined : { error, message: 'said' },
});

/** A client whose set-up goes on in LCP. */
const RECORD: JournalRecord = {
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

const OVER = { endedAt: instant(11_000) };
const UP: Partial<JournalRecord> = {
  upAt: instant(2_000),
  outcome: 'up',
  user: 'alice',
  address: '10.99.0.2',
  phases: ['control', 'lcp', 'auth', 'ccp', 'ipcp'].map((name) => phase(name)),
};

const failedIn = (name: string, error: string, message: string): Partial<JournalRecord> => ({
  ...OVER,
  outcome: 'failed',
  failure: { error, message },
  phases: [phase('control'), phase(name, error)],
});
const endedBy = (reason: string, detail: string): Partial<JournalRecord> => ({
  ...UP,
  ...OVER,
  outcome: 'closed',
  end: { reason, detail },
});
const dropped = (drops: Record<string, number>): Partial<JournalRecord> => ({ ...UP, numbers: { ...NUMBERS, drops } });
const note = (event: string, fields: Record<string, string> = {}) => ({
  at: instant(3_000),
  event,
  message: event,
  fields,
});
const denied = (denial: string, ...others: ReturnType<typeof note>[]): Partial<JournalRecord> => ({
  ...failedIn('auth', 'authentication-failed', 'ms-chap-v2: refused'),
  user: 'alice',
  method: 'ms-chap-v2',
  notes: [...others, note('auth.failed', { denial })],
});
const SILENT: JournalNumbers = { ...NUMBERS, packetsIn: 0, acknowledged: -1 };
const NO_GRE: Partial<JournalRecord> = { ...failedIn('lcp', 'no-gre', 'no GRE packet arrived'), numbers: SILENT };

const CONTEXT: ExplainContext = {
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

interface Situation {
  readonly name: CaseName;
  /** "requirements" are rows of the table of users' pains that the project answers. */
  readonly because: string;
  readonly record: Partial<JournalRecord>;
  readonly context?: Partial<ExplainContext>;
  /** What the finding must name. */
  readonly says: RegExp;
}

const SITUATIONS: readonly Situation[] = [
  {
    name: 'gre-not-arriving',
    because: 'row 1: control connects, GRE is filtered',
    record: NO_GRE,
    says: /203\.0\.113\.9.*protocol 47 \(GRE\).*on the way in.*doctor/,
  },
  {
    name: 'gre-not-arriving',
    because: 'the log has said gre.blocked, and the client still waits',
    record: { numbers: SILENT, notes: [note('gre.blocked')] },
    context: { now: instant(2_000) },
    says: /protocol 47/,
  },
  {
    name: 'gre-from-another-address',
    because: 'TCP and GRE leave the router of the client by different addresses',
    record: NO_GRE,
    context: { wrongPeer: true },
    says: /another address.*PPTP_GRE_CHECK_PEER_ADDRESS/,
  },
  {
    name: 'gre-not-reaching-the-client',
    because: 'row 1, the other way',
    record: {
      ...failedIn('lcp', 'no-answer', 'no answer to 10 LCP Configure-Requests'),
      numbers: { ...NUMBERS, packetsIn: 8, packetsOut: 12, acknowledged: -1 },
    },
    says: /none of the 12.*on the way out/,
  },
  {
    name: 'clients-behind-one-nat',
    because: 'row 2: two clients behind one NAT',
    record: NO_GRE,
    context: { besides: [{ ...RECORD, ...UP, id: 'other' }] },
    says: /1 other tunnel.*nf_conntrack_pptp/,
  },
  {
    name: 'unknown-user',
    because: 'all back-ends were asked and none knows the name',
    record: denied('bad-credentials', note('auth.backend', { 'pptp.backend.answer': 'unknown-user' })),
    says: /"alice".*users add.*E=691/,
  },
  {
    name: 'wrong-password',
    because: 'a back-end knows the user',
    record: denied('bad-credentials', note('auth.backend', { 'pptp.backend.answer': 'bad-credentials' })),
    says: /"alice".*users passwd.*E=691/,
  },
  { name: 'password-expired', because: 'expired', record: denied('expired'), says: /E=648/ },
  { name: 'account-locked', because: 'disabled', record: denied('locked'), says: /E=647/ },
  {
    name: 'user-store-unavailable',
    because: 'the back-end failed',
    record: denied('unavailable'),
    says: /auth\.backend-failed.*--store-password/,
  },
  { name: 'weak-proof-refused', because: 'LAN Manager', record: denied('proof-refused'), says: /LAN Manager/ },
  {
    name: 'authentication-not-finished',
    because: 'nobody typed a password',
    record: failedIn('auth', 'authentication-failed', 'authentication was not over after 60 s'),
    says: /60 s.*PPTP_AUTH_TIMEOUT/,
  },
  {
    name: 'no-common-authentication',
    because: 'the client has pap only',
    record: failedIn(
      'lcp',
      'authentication-failed',
      'no common authentication method: we allow ms-chap-v2; the peer offers pap',
    ),
    says: /offers pap.*PPTP_AUTH_METHODS/,
  },
  {
    name: 'encryption-refused',
    because: 'row 9: the policy is "required"',
    record: failedIn('ccp', 'encryption-required', 'no agreement on MPPE: we allow 128-bit stateless'),
    says: /128-bit stateless.*require-mppe-128.*742/,
  },
  {
    name: 'encryption-refused',
    because: 'row 9: the method yields no keys',
    record: failedIn(
      'lcp',
      'encryption-required',
      'encryption is required and pap yields no keys: we allow ms-chap-v2',
    ),
    says: /makes no keys.*MS-CHAP-V2/,
  },
  {
    name: 'encryption-demanded',
    because: 'row 9: the client insists and the gateway does not offer',
    record: failedIn('ipcp', 'peer-terminated', 'the peer terminated the link: MPPE required but not available'),
    context: { settings: { ...CONTEXT.settings, encryption: 'disabled' } },
    says: /PPTP_MPPE=disabled.*741/,
  },
  {
    name: 'pool-empty',
    because: 'row 13: all of the pool is used, and then it is empty',
    record: failedIn('address', 'no-address', 'no inner address is free: enlarge PPTP_POOL'),
    says: /10\.99\.0\.0\/24.*Enlarge PPTP_POOL/,
  },
  {
    name: 'fixed-address-unusable',
    because: 'a fixed address outside the pool',
    record: {
      ...failedIn('address', 'no-address', "the user's fixed address 10.1.1.1 lies outside PPTP_POOL"),
      user: 'alice',
    },
    says: /10\.1\.1\.1.*--address/,
  },
  {
    name: 'address-disagreement',
    because: 'the client has an address of its own',
    record: failedIn('ipcp', 'negotiation-failed', 'the peer insists on 192.168.1.5; its address is 10.99.0.2'),
    says: /192\.168\.1\.5.*720/,
  },
  {
    name: 'not-admitted',
    because: 'a policy refuses',
    record: {
      ...failedIn('address', 'not-admitted', 'alice has 1 session, and 1 is the most'),
      end: { reason: 'administrative', detail: 'alice has 1 session, and 1 is the most' },
      notes: [note('session.refused', { policy: 'limits', denial: 'too-many-sessions' })],
    },
    says: /policy limits.*1 is the most.*plugins list/,
  },
  {
    name: 'not-admitted',
    because: 'the profile asks for too much',
    record: {
      ...failedIn('address', 'not-admitted', 'the route 0.0.0.0/0 would take everything into the tunnel'),
      end: { reason: 'administrative', detail: 'the route 0.0.0.0/0 would take everything into the tunnel' },
      notes: [note('session.refused', { policy: 'gateway', denial: 'unsupported' })],
    },
    says: /cannot do.*0\.0\.0\.0\/0/,
  },
  {
    name: 'pool-empty',
    because: 'a pool by name is empty',
    record: failedIn('address', 'no-address', 'no inner address of the pool "staff" is free: enlarge it in PPTP_POOLS'),
    says: /"staff".*PPTP_POOLS/,
  },
  {
    name: 'quota-used-up',
    because: 'the quota is used up',
    record: endedBy('quota', 'the quota of the session is used up'),
    says: /quota/,
  },
  {
    name: 'call-limit',
    because: 'connections above a limit are closed on arrival',
    record: { ...failedIn('control', 'connection-refused', 'its source has the most'), kind: 'control' },
    says: /its source has the most\..*PPTP_MAX_CONNECTIONS_PER_ADDRESS.*PPTP_MAX_CONNECTIONS\./,
  },
  {
    name: 'wrong-password',
    because: 'the server that a site dials refuses it, and it is not for this gateway to set passwords',
    record: {
      ...denied('bad-credentials'),
      role: 'client',
      notes: [note('auth.refused', { denial: 'bad-credentials' })],
    },
    says: /^(?!.*users passwd).*203\.0\.113\.9 does not know "alice".*PPTP_DIAL_USER/,
  },
  {
    name: 'call-limit',
    because: 'row 12: limits are told of',
    record: { ...failedIn('control', 'call-refused', 'general error, no resource'), kind: 'control' },
    says: /253 calls.*PPTP_MAX_CALLS/,
  },
  {
    name: 'no-call',
    because: 'row 12: scanners',
    record: { ...failedIn('control', 'bad-message', 'the magic cookie is wrong'), kind: 'control' },
    says: /no PPTP.*port scanner/,
  },
  {
    name: 'no-call',
    because: 'a start request that was held back in a collision',
    record: { ...failedIn('control', 'start-unanswered', 'the connection ended'), kind: 'control' },
    says: /before the request had a reply.*both sites dial/,
  },
  {
    name: 'no-call',
    because: 'the client wants no call',
    record: { ...failedIn('control', 'no-call-request', 'the connection ended'), kind: 'control' },
    says: /left without asking for a call/,
  },
  {
    name: 'no-call',
    because: 'a word that is not in the table',
    record: { ...failedIn('control', 'odd', 'An odd end.'), kind: 'control' },
    says: /An odd end\./,
  },
  {
    name: 'loopback',
    because: 'the peer sends back what it gets',
    record: failedIn('lcp', 'loopback', 'our own LCP Echo-Request came back: the link is looped'),
    says: /Magic-Number/,
  },
  {
    name: 'gateway-fault',
    because: 'row 11: a bug costs one session and is told of',
    record: { ...failedIn('lcp', 'administrative', 'internal error of the gateway'), notes: [note('session.fault')] },
    says: /bug.*stack/,
  },
  {
    name: 'peer-hung-up',
    because: 'the client ends the call in IPCP',
    record: failedIn('ipcp', 'peer-request', 'Call-Clear-Request'),
    says: /after 10\.0 s, during IPCP/,
  },
  {
    name: 'negotiation-failed',
    because: 'no agreement',
    record: failedIn('lcp', 'negotiation-failed', 'no agreement after 21 refused Configure-Requests'),
    says: /in LCP.*21 refused/,
  },
  {
    name: 'keys-differ',
    because: 'row 3: MPPE out of step ends the tunnel',
    record: endedBy('negotiation-failed', '100 packets in a row could not be decrypted: the keys differ'),
    says: /MPPE.*Protocol-Reject for unsupported protocol/,
  },
  {
    name: 'keys-differ',
    because: 'row 3: MPPE out of step now and then',
    record: dropped({ 'mppe in decrypt-failed': 12 }),
    says: /12 packets/,
  },
  {
    name: 'echo-loss',
    because: 'row 15: clients that vanish',
    record: endedBy('link-dead', '4 LCP Echo-Requests in a row were not answered'),
    says: /PPTP_LCP_ECHO_INTERVAL/,
  },
  {
    name: 'connection-lost',
    because: 'row 15: the control connection breaks',
    record: endedBy('control-lost', 'TCP error: read ECONNRESET.'),
    says: /ECONNRESET/,
  },
  {
    name: 'spoofed-source',
    because: 'the address check drops',
    record: dropped({ 'address in spoofed-source': 3 }),
    says: /3 packets.*10\.99\.0\.2/,
  },
  {
    name: 'mtu-black-hole',
    because: 'row 5: pages hang',
    record: dropped({ 'mtu out too-big': 7 }),
    says: /7 packets.*hang.*1396.*PPTP_MSS_CLAMP/,
  },
  {
    name: 'mtu-black-hole',
    because: 'row 5: the kernel refuses GRE that the path does not take, and the path also loses packets',
    record: {
      ...UP,
      numbers: {
        ...NUMBERS,
        packetsIn: 950,
        lost: 50,
        drops: { 'gre-socket out too-big': 1, 'address in spoofed-source': 1 },
      },
    },
    says: /1 GRE packets to the client were larger than the path.*203\.0\.113\.9.*Lower PPTP_TUN_MTU and PPTP_MRU/,
  },
  {
    name: 'clear-data-refused',
    because: 'the client sends in the clear',
    record: dropped({ 'mppe in unencrypted': 2 }),
    says: /2 packets.*not encrypted/,
  },
  {
    name: 'window-stall',
    because: 'the peer acknowledges too slowly',
    record: { ...UP, numbers: { ...NUMBERS, windowDropped: 9 } },
    says: /9 packets.*PPTP_GRE_WINDOW/,
  },
  {
    name: 'lossy-path',
    because: 'the path loses packets',
    record: { ...UP, numbers: { ...NUMBERS, packetsIn: 950, lost: 50 } },
    says: /50 packets.*5\.0 %/,
  },
  {
    name: 'time-limit',
    because: 'idle',
    record: endedBy('idle', 'no user data for 60 s'),
    says: /60 s.*PPTP_IDLE_TIMEOUT/,
  },
  {
    name: 'time-limit',
    because: 'session time-out',
    record: endedBy('session-timeout', 'the session has lasted 3600 s'),
    says: /PPTP_SESSION_TIMEOUT/,
  },
  {
    name: 'ended-by-the-gateway',
    because: 'row 15: the newer log-in replaces the older',
    record: endedBy('administrative', 'replaced by a newer log-in of the same user'),
    says: /replaced by a newer log-in/,
  },
  {
    name: 'ended-by-the-gateway',
    because: 'the gateway stopped while a call was set up',
    record: { ...failedIn('lcp', 'shutdown', 'the gateway stops'), end: { reason: 'shutdown', detail: 'it stops' } },
    says: /it stops/,
  },
  {
    name: 'closed-by-the-client',
    because: 'the client hangs up',
    record: endedBy('peer-request', 'Call-Clear-Request'),
    says: /hung up after 10 s/,
  },
  { name: 'in-progress', because: 'nothing is wrong yet', record: {}, says: /phase lcp/ },
  { name: 'healthy', because: 'nothing is wrong', record: UP, says: /up since/ },
  {
    name: 'unknown',
    because: 'an end that nobody thought of',
    record: failedIn('lcp', 'something-new', 'it is new'),
    says: /it is new.*lcp.*log-level debug/,
  },
  { name: 'unknown', because: 'no word about the end', record: OVER, says: /nothing says why/ },
];

const textOf = ({ what, where, todo, code }: Finding): string => [what, where, ...todo, code ?? ''].join(' ');

describe('each case', () => {
  it.each(SITUATIONS)('$name: $because', ({ name, record, context, says }) => {
    const findings = explain({ ...RECORD, ...record }, { ...CONTEXT, ...context });
    // A cause that may lie behind the main one stands beside it.
    const finding = name === 'clients-behind-one-nat' ? findings[1] : findings[0];
    expect(finding?.case).toBe(name);
    expect(finding === undefined ? '' : textOf(finding)).toMatch(says);
  });

  it('has a situation here', () => {
    expect(new Set(SITUATIONS.map(({ name }) => name))).toEqual(new Set(CASES));
  });

  it('says what, where and what to do, in sentences', () => {
    for (const { record, context } of SITUATIONS) {
      for (const finding of explain({ ...RECORD, ...record }, { ...CONTEXT, ...context })) {
        expect(finding.what).toMatch(/^\S.*[^.]\.$/);
        expect(finding.where).toMatch(/\.$/);
        expect(finding.todo.length).toBeGreaterThan(0);
        for (const one of finding.todo) expect(one).toMatch(/[^.]\.$/);
      }
    }
  });
});

describe('several things at once', () => {
  it('are all said, the failure first and the end last', () => {
    const record = {
      ...RECORD,
      ...endedBy('peer-request', 'Call-Clear-Request'),
      numbers: { ...NUMBERS, drops: { 'mtu out too-big': 9, 'address in spoofed-source': 1 } },
    };
    expect(explain(record, CONTEXT).map((one) => one.case)).toEqual([
      'spoofed-source',
      'mtu-black-hole',
      'closed-by-the-client',
    ]);
  });

  it('a right password at last is no failure of authentication', () => {
    const record = {
      ...RECORD,
      ...failedIn('ipcp', 'negotiation-failed', 'no agreement'),
      phases: [phase('control'), phase('lcp'), phase('auth'), phase('ipcp', 'negotiation-failed')],
      notes: [note('auth.failed', { denial: 'bad-credentials' })],
    };
    expect(explain(record, CONTEXT)[0]?.case).toBe('negotiation-failed');
  });

  it.each([
    ['encryption-required', 'encryption-refused'],
    ['negotiation-failed', 'negotiation-failed'],
    ['no-address', 'fixed-address-unusable'],
  ])('a tunnel that was up may fail in a later negotiation: %s', (reason, name) => {
    expect(explain({ ...RECORD, ...endedBy(reason, 'said') }, CONTEXT).map((one) => one.case)).toEqual([name]);
  });

  it('one packet too big now and then is how senders find the size of a path', () => {
    expect(explain({ ...RECORD, ...dropped({ 'mtu out too-big': 2 }) }, CONTEXT)[0]?.case).toBe('healthy');
  });
});
