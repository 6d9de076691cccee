import type { Stats, StatsHistory } from '../../../gateway/admin/api/stats.ts';

const STAGES = [
  ['gre-socket', null],
  ['gre', 100],
  ['call-demux', 200],
  ['sequence', 300],
  ['ppp', 400],
  ['mppe', 500],
  ['ipsec-gate', 600],
  ['ipsec-gate', 699],
  ['mss-clamp', 750],
  ['mtu', 775],
  ['traffic-out', 790],
  ['address', 800],
  ['traffic-in', 820],
  ['tun', null],
] as const;

const wave = (second: number, height: number, period: number): number =>
  Math.round(height * (1.3 + Math.sin(second / period) + 0.25 * Math.sin(second / 2.3)));

export const fakeStats = (second: number, sessions: number): Stats => {
  const passed = 4_200_000 + Math.round(second * 9100);
  const drops = [
    { stage: 'call-demux', direction: 'in', reason: 'unknown-call', count: 812 },
    { stage: 'sequence', direction: 'in', reason: 'late', count: 2310 },
    { stage: 'sequence', direction: 'in', reason: 'duplicate', count: 97 },
    { stage: 'mppe', direction: 'in', reason: 'decrypt-failed', count: 41 },
    { stage: 'traffic-out', direction: 'out', reason: 'rate-limited', count: 5000 + Math.round(second * 14) },
    { stage: 'address', direction: 'in', reason: 'spoofed-source', count: 12 },
  ] as const;
  const dropped = (stage: string, direction: string): number =>
    drops
      .filter((one) => one.stage === stage && one.direction === direction)
      .reduce((sum, { count }) => sum + count, 0);
  return {
    at: new Date().toISOString(),
    tunnels: { up: sessions, setup: Math.round(sessions / 97), waiting: 0 },
    controlConnections: sessions + Math.round(sessions / 97),
    traffic: {
      octetsIn: passed * 420,
      octetsOut: passed * 980,
      packetsIn: passed,
      packetsOut: passed,
      rateIn: wave(second, 6_200_000, 23),
      rateOut: wave(second, 14_800_000, 31),
      packetRateIn: wave(second, 14_000, 23),
      packetRateOut: wave(second, 21_000, 31),
    },
    funnel: {
      phases: [
        { phase: 'control', reached: 12_480, failed: 31, reasons: { 'control-timeout': 25, 'bad-magic-cookie': 6 } },
        { phase: 'lcp', reached: 12_449, failed: 212, reasons: { 'gre-blocked': 198, 'lcp-timeout': 14 } },
        { phase: 'auth', reached: 12_237, failed: 640, reasons: { 'wrong-password': 570, 'unknown-user': 70 } },
        { phase: 'address', reached: 11_597, failed: 0, reasons: {} },
        { phase: 'ccp', reached: 11_597, failed: 18, reasons: { 'encryption-refused': 18 } },
        { phase: 'ipcp', reached: 11_579, failed: 2, reasons: { 'ipcp-timeout': 2 } },
        { phase: 'up', reached: 11_577, failed: 0, reasons: {} },
      ],
    },
    drops,
    stages: STAGES.map(([stage, slot]) => ({
      stage,
      slot,
      passedIn: passed,
      passedOut: Math.round(passed * 1.4),
      droppedIn: dropped(stage, 'in'),
      droppedOut: dropped(stage, 'out'),
    })),
    pools: [
      { pool: 'default', range: '10.77.0.0/16', used: sessions, size: 65_533 },
      { pool: 'guests', range: '10.99.0.0/24', used: 236, size: 253 },
    ],
    processes: [
      { pid: 4100, uptimeSeconds: 93_000 + second, cpu: 0.02, residentOctets: 88_000_000, eventLoopMs: 0.4 },
      {
        worker: 0,
        pid: 4107,
        uptimeSeconds: 93_000 + second,
        cpu: 0.61,
        residentOctets: 412_000_000,
        eventLoopMs: 3.1,
      },
      {
        worker: 1,
        pid: 4108,
        uptimeSeconds: 93_000 + second,
        cpu: 0.57,
        residentOctets: 405_000_000,
        eventLoopMs: 2.8,
      },
    ],
  };
};

const POINTS = 600;

export const fakeHistory = (sessions: number): StatsHistory => ({
  stepSeconds: 1,
  points: Array.from({ length: POINTS }, (_, index) => {
    const second = index - POINTS;
    return {
      at: Date.now() + second * 1000,
      up: sessions,
      setup: 3,
      rateIn: wave(second, 6_200_000, 23),
      rateOut: wave(second, 14_800_000, 31),
      dropRate: 14,
    };
  }),
});
