import type { SessionDetail, SessionRow, SessionsPage } from '../../../gateway/admin/api/sessions.ts';

const SECOND_MS = 1000;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Always the same for the same index and second; rates wander with time. */
const row = (index: number, second: number, begun: number): SessionRow => {
  const isUp = index % 97 !== 5;
  const wave = 1 + Math.sin(second / 7 + index);
  const rateIn = isUp ? Math.round(wave * (index % 50) * 900) : 0;
  const rateOut = isUp ? Math.round((2 - wave) * (index % 80) * 2100) : 0;
  const seconds = second + (index % 5000);
  return {
    id: `s-${hex(index, 6)}`,
    state: isUp ? 'up' : 'setup',
    peer: `198.51.${(index >> 8) % 256}.${index % 256}:${1024 + (index % 60000)}`,
    user: isUp ? `user${String(index).padStart(5, '0')}` : null,
    method: isUp ? 'ms-chap-v2' : null,
    address: isUp ? `10.77.${index >> 8}.${index % 256}` : null,
    encryption: isUp ? 'MPPE 128 bit, stateless' : 'none',
    openedAt: new Date(begun - (index % 5000) * SECOND_MS).toISOString(),
    upAt: isUp ? new Date(begun - (index % 5000) * SECOND_MS + 340).toISOString() : null,
    seconds,
    packetsIn: seconds * 12,
    packetsOut: seconds * 20,
    octetsIn: seconds * (index % 50) * 900,
    octetsOut: seconds * (index % 80) * 2100,
    rateIn,
    rateOut,
    dropped: index % 13 === 0 ? index % 400 : 0,
    traceId: hex(index + 1, 32),
  };
};

const PHASES = [
  ['control', 0, 0.031],
  ['lcp', 0.031, 0.044],
  ['auth', 0.075, 0.182],
  ['address', 0.257, 0.0004],
  ['ccp', 0.2574, 0.021],
  ['ipcp', 0.279, 0.055],
] as const;

/** Sessions of a gateway that is none, as its API tells of them. */
export class FakeSessions {
  private readonly begun = Date.now();
  private readonly ended = new Set<string>();
  private readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  private second(): number {
    return (Date.now() - this.begun) / SECOND_MS;
  }

  /** Whether it was there until now. */
  end(id: string): boolean {
    const isThere = this.all().some((one) => one.id === id);
    this.ended.add(id);
    return isThere;
  }

  all(): readonly SessionRow[] {
    const second = this.second();
    return Array.from({ length: this.size }, (_, index) => row(index, second, this.begun)).filter(
      ({ id }) => !this.ended.has(id),
    );
  }

  page(query: URLSearchParams): SessionsPage {
    const sort = query.get('sort') ?? 'openedAt';
    const key = sort.replace(/^-/, '');
    const sign = sort.startsWith('-') ? -1 : 1;
    const search = (query.get('search') ?? '').toLowerCase();
    const state = query.get('state');
    const offset = Number(query.get('offset') ?? 0);
    const limit = Number(query.get('limit') ?? 100);
    const value = (one: SessionRow): string | number => {
      const found = Object.entries(one).find(([name]) => name === key)?.[1];
      return typeof found === 'number' ? found : String(found ?? '');
    };
    const fitting = this.all()
      .filter((one) => state === null || one.state === state)
      .filter((one) => [one.id, one.user, one.peer, one.address].some((text) => text?.includes(search)))
      .map((one) => ({ one, key: value(one) }))
      .sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0));
    const sessions = fitting.slice(offset, offset + limit).map(({ one }) => one);
    return { total: fitting.length, offset, limit, sessions };
  }

  detail(id: string): SessionDetail | undefined {
    const found = this.all().find((one) => one.id === id);
    if (found === undefined) return undefined;
    return {
      ...found,
      callId: 4711,
      peerCallId: 17,
      local: '203.0.113.1',
      ipv6: null,
      lost: 3,
      silentSeconds: 0,
      drops: { 'sequence in late': 12, 'mppe in decrypt-failed': 2, 'traffic-out out rate-limited': 140 },
      attributes: { 'host name': 'laptop-of-<b>mallory</b>' },
      profile: {
        rateUp: 10_000_000,
        rateDown: 50_000_000,
        filter: null,
        idleSeconds: 1800,
        sessionSeconds: null,
        quotaOctets: null,
        routes: [],
      },
      phases: PHASES.map(([name, start, seconds]) => ({ name, start, seconds, error: null, detail: null })),
      timeline: PHASES.flatMap(([name, start, seconds]) => [
        { seconds: start, event: `${name}.begin`, message: `${name} begins` },
        { seconds: start + seconds, event: `${name}.end`, message: `${name} is done` },
      ]),
    };
  }
}
