import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keysOf } from '../../../../gateway/cli/full-screen.ts';
import { type LiveView, runLive } from '../../../../gateway/cli/live-view.ts';
import { gatewayAt } from '../../../../gateway/cli/running-gateway.ts';
import { SessionView } from '../../../../gateway/cli/session-view.ts';
import { eventually } from '../../../support/eventually.ts';
import { eventText, type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';
import { sessionRow, sessionsPage } from '../../../support/session-rows.ts';
import { VirtualTerminal } from '../../../support/virtual-terminal.ts';

const CTRL_C = '\u0003';
const DOWN = '\u001b[B';
const PATH = 'GET /v1/sessions/stream';

let gateway: FakeGateway;
let streams: ServerResponse[];
beforeEach(async () => {
  gateway = await fakeGateway();
  streams = [];
  gateway.on(PATH, { stream: (response) => void streams.push(response.on('error', () => undefined)) });
});
afterEach(() => gateway.stop());

/** `sessions watch` on a terminal that is looked at from outside. */
const watch = (screen: VirtualTerminal, view: LiveView<unknown> = new SessionView({}, false)) => {
  const pauses: (() => void)[] = [];
  let interrupt: () => void = () => undefined;
  const over = runLive(view, {
    gateway: gatewayAt(gateway.socket),
    screen,
    terminal: {
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => undefined;
      },
    },
    pause: (_milliseconds, signal) =>
      new Promise((resolve) => {
        pauses.push(() => resolve(undefined));
        signal.addEventListener('abort', () => resolve(undefined));
      }),
  });
  return { over, pauses, interrupt: () => interrupt() };
};
const connected = (count: number) => eventually(() => expect(streams.length).toBeGreaterThanOrEqual(count));
const send = (page: unknown): void => void streams.at(-1)?.write(eventText('sessions', page));
const shows = (screen: VirtualTerminal, text: string | RegExp) =>
  eventually(() => expect(screen.lines.join('\n')).toMatch(text));
const query = (): URLSearchParams => new URLSearchParams(gateway.asked.at(-1)?.url.split('?')[1]);

describe('sessions watch on a terminal', () => {
  it('fills the terminal, follows its size, and leaves it as it was', async () => {
    const screen = new VirtualTerminal(130, 8);
    const { over } = watch(screen);
    await connected(1);
    expect(query().get('limit')).toBe('5');
    expect([screen.alternate, screen.attached]).toEqual([false, 0]);
    send(sessionsPage([sessionRow(), sessionRow({ id: 'bbbbbbbbbbbb', user: '山田' })]));
    await shows(screen, /bbbbbbbbbbbb/);
    expect([screen.alternate, screen.cursor, screen.attached]).toEqual([true, false, 1]);
    expect(screen.lines[0]).toBe('2 sessions by rateIn');
    expect(screen.lines[1]).toMatch(/^SESSION .* RATE IN▼/);
    expect(screen.lines[3]).toContain('山田');
    expect(screen.lines[7]).toMatch(/^q quit/);

    screen.resize(40, 6);
    await connected(2);
    expect(query().get('limit')).toBe('3');
    expect(screen.lines[5]?.length).toBeLessThanOrEqual(40);
    screen.type('q');
    expect(await over).toBe(0);
    expect([screen.alternate, screen.cursor, screen.attached]).toEqual([false, true, 0]);
    expect(screen.colours).toBe(0);
  });

  it('sorts by another column, the other way round, scrolls, and pauses', async () => {
    const screen = new VirtualTerminal(130, 6);
    const { over } = watch(screen, new SessionView({ state: 'up' }, false));
    await connected(1);
    expect(Object.fromEntries(query())).toEqual({ state: 'up', sort: '-rateIn', offset: '0', limit: '3' });
    const rows = ['a', 'b', 'c'].map((id) => sessionRow({ id }));
    send(sessionsPage(rows, { total: 9 }));
    await shows(screen, /9 sessions, 1 to 3 by rateIn state=up/);

    screen.type('>');
    await connected(2);
    expect(query().get('sort')).toBe('-rateOut');
    screen.type('r');
    await connected(3);
    expect(query().get('sort')).toBe('rateOut');
    screen.type(DOWN + DOWN);
    await connected(4);
    expect(query().get('offset')).toBe('2');
    send(sessionsPage(rows, { total: 9 }));
    await shows(screen, /9 sessions, 3 to 5 by rateOut/);

    screen.type(' ');
    expect(screen.lines[0]).toMatch(/, paused$|, paused /);
    screen.type('w');
    expect(screen.lines[1]).toContain('METHOD');
    screen.type(CTRL_C);
    expect(await over).toBe(130);
    expect(screen.alternate).toBe(false);
  });

  it('goes back when what it looked at is gone', async () => {
    const screen = new VirtualTerminal(130, 4);
    const { over } = watch(screen);
    await connected(1);
    send(sessionsPage([sessionRow()], { total: 9 }));
    await shows(screen, /9 sessions/);
    screen.type('\u001b[6~'.repeat(20));
    await connected(2);
    expect(query().get('offset')).toBe('8');
    send(sessionsPage([], { total: 2 }));
    await connected(3);
    expect(query().get('offset')).toBe('1');
    screen.type('q');
    await over;
  });

  it('waits for a gateway that goes away, and says so', async () => {
    const screen = new VirtualTerminal(100, 6, true);
    const { over, pauses } = watch(screen);
    await connected(1);
    send(sessionsPage([sessionRow()]));
    await shows(screen, /alice/);
    streams[0]?.destroy();
    await shows(screen, /the gateway went away\.; trying again|the gateway has ended the stream; trying again/);
    expect(screen.lines.join('\n')).toContain('alice');
    await eventually(() => expect(pauses).toHaveLength(1));
    pauses[0]?.();
    await connected(2);
    send(sessionsPage([]));
    await shows(screen, /^0 sessions by rateIn/);
    expect(screen.colours).toBeGreaterThan(0);
    screen.type('q');
    expect(await over).toBe(0);
  });

  it('touches no terminal where there is no gateway', async () => {
    const screen = new VirtualTerminal(100, 6);
    const env = { PPTP_ADMIN_SOCKET: `${gateway.folder}/none.sock` };
    expect(await runVerb(['sessions', 'watch'], env, { screen })).toMatchObject({ code: 3 });
    expect([screen.alternate, screen.attached, screen.lines.join('')]).toEqual([false, 0, '']);
  });

  it('leaves the terminal as it was when told to end by a signal, and when the view breaks', async () => {
    const screen = new VirtualTerminal(100, 6);
    const told = watch(screen);
    await connected(1);
    send(sessionsPage([]));
    await shows(screen, /0 sessions/);
    told.interrupt();
    expect(await told.over).toBe(130);
    expect([screen.alternate, screen.attached]).toEqual([false, 0]);

    const broken = watch(screen);
    await connected(2);
    send(sessionsPage([]));
    await shows(screen, /0 sessions/);
    streams.at(-1)?.write('event: sessions\ndata: {\n\n');
    await expect(broken.over).rejects.toThrow(SyntaxError);
    expect([screen.alternate, screen.cursor, screen.attached]).toEqual([false, true, 0]);
  });
});

describe('stats --watch on a terminal', () => {
  it('shows the numbers until q', async () => {
    const screen = new VirtualTerminal(80, 10);
    const empty = {
      octetsIn: 0,
      octetsOut: 0,
      packetsIn: 0,
      packetsOut: 0,
      rateIn: 0,
      rateOut: 0,
      packetRateIn: 0,
      packetRateOut: 0,
    };
    const stats = {
      at: 'now',
      tunnels: { up: 4, setup: 0, waiting: 0 },
      controlConnections: 4,
      traffic: empty,
      funnel: { phases: [] },
      drops: [],
      stages: [],
      pools: [],
      processes: [],
    };
    gateway.on('GET /v1/stats/stream', { stream: (response) => void response.write(eventText('stats', stats)) });
    const over = runVerb(['stats', '--watch'], { PPTP_ADMIN_SOCKET: gateway.socket }, { screen });
    await shows(screen, /4 up, 0 being set up/);
    screen.type('q');
    expect((await over).code).toBe(0);
    expect(screen.alternate).toBe(false);
  });
});

it('takes what a terminal sends apart into keys', () => {
  expect(keysOf('aq\u001b[A\u001b[5~\u001bOB山\u001b')).toEqual([
    'a',
    'q',
    '\u001b[A',
    '\u001b[5~',
    '\u001bOB',
    '山',
    '\u001b',
  ]);
  expect(keysOf('')).toEqual([]);
});
