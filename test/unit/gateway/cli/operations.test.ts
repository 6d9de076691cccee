import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LifeView } from '../../../../gateway/admin/api/life.ts';
import type { Stats } from '../../../../gateway/admin/api/stats.ts';
import type { CliTerminal } from '../../../../gateway/cli/terminal.ts';
import { eventText, type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';

let gateway: FakeGateway;
beforeEach(async () => {
  gateway = await fakeGateway();
});
afterEach(() => gateway.stop());
const run = (argv: string, terminal: Partial<CliTerminal> = {}) =>
  runVerb(argv.split(' '), { PPTP_ADMIN_SOCKET: gateway.socket }, terminal);

const STATS: Stats = {
  at: '2026-11-22T20:00:00.000Z',
  tunnels: { up: 12, setup: 1, waiting: 0 },
  controlConnections: 13,
  traffic: {
    octetsIn: 1_200_000_000,
    octetsOut: 5,
    packetsIn: 1,
    packetsOut: 1,
    rateIn: 1_300_000,
    rateOut: 0,
    packetRateIn: 1200,
    packetRateOut: 0,
  },
  funnel: { phases: [{ phase: 'auth', reached: 20, failed: 7, reasons: { 'no-such-user': 2, 'wrong-password': 5 } }] },
  drops: [
    { stage: 'mppe', direction: 'in', reason: 'stale-packet', count: 3 },
    { stage: 'address', direction: 'out', reason: 'no-session', count: 40 },
    { stage: 'ppp', direction: 'in', reason: 'short', count: 0 },
  ],
  stages: [],
  pools: [{ pool: 'default', range: '10.99.0.0/24', used: 12, size: 253 }],
  processes: [{ pid: 77, uptimeSeconds: 11_520, cpu: 0.42, residentOctets: 90_000_000, eventLoopMs: 1.25 }],
};
const LIFE: LifeView = {
  phase: 'ready',
  since: '2026-11-22T19:00:00.000Z',
  sessions: 3,
  deadline: null,
  thenStop: false,
  by: null,
};

describe('stats', () => {
  beforeEach(() => gateway.on('GET /v1/stats', { json: STATS }));

  it('shows what matters, the worst first', async () => {
    const { code, text, out } = await run('stats');
    expect(code).toBe(0);
    expect(text).toContain('12 up, 1 being set up; 13 control connections');
    expect(text).toContain('10.4 Mbit/s, 1.2 k packets/s; 1.2 GB in all');
    expect(text).toMatch(/auth +20 +7 {2}wrong-password 5, no-such-user 2/);
    expect(out.findIndex((line) => line.includes('no-session'))).toBeLessThan(
      out.findIndex((line) => line.includes('stale')),
    );
    expect(text).not.toContain('short');
    expect(text).toMatch(/default {2}10\.99\.0\.0\/24 {4}12 {3}253 {2}4\.7 %/);
    expect(text).toMatch(/gateway +77 {2}3 h 12 min {2}42 % {2}90\.0 MB {2}1\.3 ms/);
    expect(JSON.parse((await run('stats --json')).text)).toEqual(STATS);
  });

  it('goes on with --watch', async () => {
    gateway.on('GET /v1/stats/stream', {
      stream: (response) => void response.write(eventText('stats', STATS) + eventText('stats', STATS)),
    });
    const json = await run('stats --watch --json --count 2');
    expect(json.out.map((line) => JSON.parse(line).controlConnections)).toEqual([13, 13]);
    expect((await run('stats --count 2')).code).toBe(2);
  });
});

describe('status', () => {
  it('is short', async () => {
    gateway.on('GET /v1/stats', { json: STATS });
    gateway.on('GET /v1/life', {
      json: { ...LIFE, phase: 'draining', by: 'root', deadline: '2026-11-22T21:00:00.000Z', thenStop: true },
    });
    gateway.on('GET /v1/gateway', {
      json: { version: '1.2.3', node: '20.20.2', pid: 77, uptimeSeconds: 60, tunnels: 3, tun: 'pptp0' },
    });
    const { code, out } = await run('status');
    expect(code).toBe(0);
    expect(out).toEqual([
      'gateway   pptp-gateway 1.2.3 (Node 20.20.2), process 77',
      'phase     draining since 2026-11-22T19:00:00.000Z, by root; what is left ends at 2026-11-22T21:00:00.000Z, then the process',
      'up for    1 min',
      'sessions  12 up, 1 being set up',
      'traffic   in 10.4 Mbit/s, out 0 bit/s',
      'pool      default (10.99.0.0/24): 12 of 253',
    ]);
    expect(Object.keys(JSON.parse((await run('status --json')).text))).toEqual(['gateway', 'life', 'stats']);
  });
});

describe('events', () => {
  it('are lines, also those that nobody knows here', async () => {
    const session = {
      at: '2026-11-22T20:00:00.000Z',
      id: 'a1',
      user: 'al\u0007ice',
      peer: '203.0.113.1:4',
      traceId: 't',
    };
    gateway.on('GET /v1/events', {
      stream: (response) => {
        response.write(
          eventText('session.up', { ...session, address: '10.99.0.2', encryption: 'MPPE 128', seconds: 0.42 }),
        );
        response.write(
          eventText('session.down', { ...session, reason: 'idle', detail: '', seconds: 61, octetsIn: 1, octetsOut: 2 }),
        );
        response.write(
          eventText('session.failed', { ...session, user: null, error: 'no-gre', detail: 'nothing came', seconds: 30 }),
        );
        response.write(eventText('life', { ...LIFE, phase: 'draining', by: 'root' }));
        response.write(eventText('lost', { events: 4 }));
        response.end(eventText('new.thing', { a: 1 }));
      },
    });
    const { code, out } = await run('events');
    expect(code).toBe(0);
    expect(out).toEqual([
      '2026-11-22T20:00:00.000Z  session.up      a1  al\\x07ice from 203.0.113.1:4: 10.99.0.2, MPPE 128, after 0.4 s',
      '2026-11-22T20:00:00.000Z  session.down    a1  al\\x07ice from 203.0.113.1:4: after 1 min 1 s, in 1 B, out 2 B; idle',
      '2026-11-22T20:00:00.000Z  session.failed  a1  - from 203.0.113.1:4: after 30.0 s; no-gre: nothing came',
      '2026-11-22T19:00:00.000Z  life            draining, by root',
      '4 events did not come: this connection is too slow',
      'new.thing  {"a":1}',
    ]);
    expect(JSON.parse((await run('events --json --count 1')).text)).toMatchObject({
      event: 'session.up',
      data: { id: 'a1' },
    });
  });
});

describe('reload', () => {
  const key = { key: 'log.level', env: 'PPTP_LOG_LEVEL', from: 'info', to: 'debug' };

  it('says what changed and what needs a restart', async () => {
    const report = {
      changed: [key],
      needRestart: [{ ...key, key: 'listen.port', env: 'PPTP_PORT' }],
      warnings: ['hm'],
    };
    gateway.on('POST /v1/reload', { json: report });
    expect(await run('reload')).toMatchObject({
      code: 0,
      out: [
        'warning: hm',
        'in force now:',
        '  log.level (PPTP_LOG_LEVEL): info -> debug',
        'not before the gateway is started again:',
        '  listen.port (PPTP_PORT): info -> debug',
      ],
    });
    expect(JSON.parse((await run('reload --json')).text)).toEqual(report);
    gateway.on('POST /v1/reload', { json: { changed: [], needRestart: [], warnings: [] } });
    expect((await run('reload')).out).toEqual(['nothing has changed']);
  });

  it('prints every mistake and is 1', async () => {
    const errors = [
      { path: 'listen.port', message: 'must be a whole number' },
      { path: 'ppp.mru', message: 'must be less' },
    ];
    gateway.on('POST /v1/reload', {
      status: 409,
      json: { code: 'CONFIG_INVALID', message: 'the configuration has 2 problems:', errors },
    });
    expect(await run('reload')).toMatchObject({
      code: 1,
      out: [],
      err: [
        'pptp-gateway: CONFIG_INVALID: the configuration has 2 problems:',
        '  listen.port: must be a whole number',
        '  ppp.mru: must be less',
      ],
    });
  });

  it('is 4 when the gateway will not', async () => {
    gateway.on('POST /v1/reload', { status: 409, json: { code: 'STOPPING', message: 'The gateway stops.' } });
    expect((await run('reload')).code).toBe(4);
  });
});

describe('locks', () => {
  it('are listed and ended', async () => {
    const lock = { what: 'user-and-source', user: 'alice', source: '203.0.113.1', until: '2026-11-22T20:00:00.000Z' };
    gateway.on('GET /v1/locks', { json: { locks: [lock] } });
    gateway.on('DELETE /v1/locks', { json: { cleared: 2 } });
    expect((await run('locks list')).out[1]).toBe(
      'a user from one address  alice  203.0.113.1  2026-11-22T20:00:00.000Z',
    );
    expect(await run('locks clear --user alice')).toMatchObject({ code: 0, out: ['2 locks ended'] });
    expect(await run('locks clear --all')).toMatchObject({ code: 0 });
    expect(gateway.asked.slice(1).map(({ url }) => url)).toEqual(['/v1/locks?user=alice', '/v1/locks']);
    expect((await run('locks clear')).code).toBe(2);
    expect((await run('locks clear --all --user x')).code).toBe(2);
    gateway.on('GET /v1/locks', { json: { locks: [] } });
    expect((await run('locks list')).out).toEqual(['nobody is locked out']);
  });
});

describe('audit, pools, plug-ins and configuration of the gateway', () => {
  it('are tables', async () => {
    const entry = {
      at: '2026-11-22T20:00:00.000Z',
      action: 'user.add',
      actor: 'root',
      role: 'admin',
      from: 'socket',
      outcome: 'done',
      target: { name: 'alice' },
      detail: null,
    };
    gateway.on('GET /v1/audit', { json: { entries: [entry] } });
    gateway.on('GET /v1/pools', { json: { pools: STATS.pools } });
    gateway.on('GET /v1/plugins', {
      json: { plugins: [{ name: 'radius', source: 'shipped', binds: ['Authenticator', 'Accounting'] }] },
    });
    gateway.on('GET /v1/config', {
      json: { config: [{ key: 'listen.port', env: 'PPTP_PORT', value: '1723', origin: 'default', reload: false }] },
    });
    expect((await run('audit --limit 5 --action user.add')).out[1]).toBe(
      '2026-11-22T20:00:00.000Z  user.add  done     root (admin)  socket  name=alice',
    );
    expect(gateway.asked[0]?.url).toBe('/v1/audit?limit=5&action=user.add');
    expect((await run('pools')).out[1]).toMatch(/^default {2}10\.99/);
    expect((await run('plugins list --running')).out[1]).toBe('radius   shipped  Authenticator, Accounting');
    expect((await run('config show --running')).out).toEqual(['listen.port  1723  (default)']);
    for (const verb of ['audit', 'pools', 'plugins list --running', 'config show --running']) {
      expect(typeof JSON.parse((await run(`${verb} --json`)).text)).toBe('object');
    }
  });
});

describe('drain', () => {
  const draining = (sessions: number, more: Partial<LifeView> = {}): LifeView => ({
    ...LIFE,
    phase: 'draining',
    sessions,
    by: 'root',
    ...more,
  });

  it('tells the gateway, and takes it back', async () => {
    gateway.on('POST /v1/drain', { json: draining(3) });
    gateway.on('DELETE /v1/drain', { json: LIFE });
    expect(await run('drain --seconds 10m --stop')).toMatchObject({
      code: 0,
      out: ['draining since 2026-11-22T19:00:00.000Z, by root; 3 sessions'],
    });
    expect(await run('drain --cancel')).toMatchObject({
      code: 0,
      out: ['ready since 2026-11-22T19:00:00.000Z; 3 sessions'],
    });
    expect(gateway.asked.map(({ method, body }) => [method, body])).toEqual([
      ['POST', { seconds: 600, stop: true }],
      ['DELETE', undefined],
    ]);
    expect((await run('drain --cancel --stop')).code).toBe(2);
  });

  /** What `GET /v1/life` says one time after the other; each time stands for a second. */
  const drains = async (begun: LifeView, lives: readonly LifeView[], terminal: Partial<CliTerminal> = {}) => {
    const { Command } = await import('commander');
    const { addDrainVerb } = await import('../../../../gateway/cli/drain.ts');
    const { runningGateway } = await import('../../../../gateway/cli/running-gateway.ts');
    const { memoryTerminal } = await import('../../../support/memory-terminal.ts');
    const rest = [...lives];
    gateway.on('POST /v1/drain', { json: begun });
    gateway.on('GET /v1/life', () => {
      const next = rest.shift();
      return next === undefined ? { stream: (response) => void response.destroy() } : { json: next };
    });
    const said: string[] = [];
    const program = new Command().exitOverride();
    let code: unknown;
    const full = memoryTerminal({ out: (line) => said.push(line), err: (line) => said.push(line), ...terminal });
    addDrainVerb(
      {
        program,
        terminal: full,
        action: (command, work) =>
          command.action(async () => {
            code = await work(runningGateway({ admin: { socket: gateway.socket } }));
          }),
      },
      async (_milliseconds, signal) => signal.throwIfAborted(),
    );
    await program.parseAsync(['drain', '--wait'], { from: 'user' });
    return { code, said };
  };

  it('waits until nobody is left, with a line for each change', async () => {
    expect(await drains(draining(2), [draining(2), draining(1), draining(0)])).toEqual({
      code: 0,
      said: [
        'draining: 2 sessions left',
        'draining: 1 session left',
        'draining since 2026-11-22T19:00:00.000Z, by root; 0 sessions',
      ],
    });
  });

  it('draws progress over itself on a terminal', async () => {
    const drawn: string[] = [];
    const { said } = await drains(draining(2), [draining(0)], { progress: (line) => drawn.push(line) });
    expect(drawn).toEqual(['draining: 2 sessions left', '']);
    expect(said).toHaveLength(1);
  });

  it('is done when the gateway that was to stop has gone', async () => {
    expect(await drains(draining(1, { thenStop: true }), [draining(0, { thenStop: true })])).toMatchObject({
      code: 0,
      said: [expect.any(String), expect.any(String), 'the gateway has stopped'],
    });
  });

  it('is 1 when somebody takes it back, and 130 when interrupted', async () => {
    expect((await drains(draining(1), [LIFE])).code).toBe(1);
    const interrupted = await drains(draining(1), [draining(1)], {
      onInterrupt: (handler) => {
        handler();
        return () => undefined;
      },
    });
    expect(interrupted).toMatchObject({
      code: 130,
      said: [expect.any(String), 'the drain goes on; "drain --cancel" ends it'],
    });
  });
});
