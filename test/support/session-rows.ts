import type { SessionDetail, SessionRow, SessionsPage } from '../../gateway/admin/api/sessions.ts';

export const sessionRow = (parts: Partial<SessionRow> = {}): SessionRow => ({
  id: '4f1c09aa21e7',
  state: 'up',
  peer: '203.0.113.1:40000',
  user: 'alice',
  method: 'ms-chap-v2',
  address: '10.99.0.2',
  encryption: 'MPPE 128 stateless',
  openedAt: '2026-11-22T20:00:00.000Z',
  upAt: '2026-11-22T20:00:01.000Z',
  seconds: 11_520,
  packetsIn: 1200,
  packetsOut: 2400,
  octetsIn: 1_234_567,
  octetsOut: 9_876_543_210,
  rateIn: 1250,
  rateOut: 1_300_000,
  dropped: 3,
  traceId: '0123456789abcdef0123456789abcdef',
  ...parts,
});

export const sessionsPage = (sessions: readonly SessionRow[], parts: Partial<SessionsPage> = {}): SessionsPage => ({
  total: sessions.length,
  offset: 0,
  limit: 1000,
  sessions,
  ...parts,
});

export const sessionDetail = (parts: Partial<SessionDetail> = {}): SessionDetail => ({
  ...sessionRow(),
  callId: 7,
  peerCallId: 49_152,
  local: '192.0.2.1',
  ipv6: null,
  lost: 2,
  silentSeconds: 4,
  drops: { 'mppe in stale-packet': 3 },
  attributes: { hostName: 'PC-1' },
  profile: {
    rateUp: 10_000_000,
    rateDown: null,
    filter: null,
    idleSeconds: 1800,
    sessionSeconds: null,
    quotaOctets: null,
    routes: ['10.1.0.0/16'],
  },
  phases: [{ name: 'control', start: 0, seconds: 0.05, error: null, detail: null }],
  timeline: [{ seconds: 0.01, event: 'Start-Control-Connection-Request', message: 'from the peer' }],
  ...parts,
});
