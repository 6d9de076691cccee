import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../../../gateway/cli/exit.ts';
import type { CliTerminal } from '../../../../gateway/cli/terminal.ts';
import { eventText, type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';
import { sessionDetail, sessionRow, sessionsPage } from '../../../support/session-rows.ts';

let gateway: FakeGateway;
beforeEach(async () => {
  gateway = await fakeGateway();
});
afterEach(() => gateway.stop());

const run = (argv: string, terminal: Partial<CliTerminal> = {}) =>
  runVerb(argv.split(' '), { PPTP_ADMIN_SOCKET: gateway.socket }, terminal);
const BOB = sessionRow({ id: 'bbbbbbbbbbbb', user: 'bob', peer: '198.51.100.7:1', worker: 1 });

describe('sessions list', () => {
  it('is a table for people, with units', async () => {
    gateway.on('GET /v1/sessions', { json: sessionsPage([sessionRow()]) });
    const { code, out } = await run('sessions list');
    expect(code).toBe(0);
    expect(out).toEqual([
      'SESSION       STATE  USER   PEER               ADDRESS          TIME      IN     OUT      RATE IN     RATE OUT  DROPPED',
      '4f1c09aa21e7  up     alice  203.0.113.1:40000  10.99.0.2  3 h 12 min  1.2 MB  9.9 GB  10.0 kbit/s  10.4 Mbit/s        3',
    ]);
    expect((await run('tunnels')).out).toEqual(out);
  });

  it('shows workers where there are some, and all columns if asked', async () => {
    gateway.on('GET /v1/sessions', { json: sessionsPage([BOB]) });
    expect((await run('sessions list')).out[0]).toMatch(/DROPPED {2}WORKER$/);
    const [head = '', row = ''] = (await run('sessions list --wide')).out;
    for (const title of ['METHOD', 'ENCRYPTION', 'PACKETS IN', 'OPENED', 'TRACE']) expect(head).toContain(title);
    expect(row).toContain('ms-chap-v2');
  });

  it('asks for what is wanted, page by page', async () => {
    const rows = Array.from({ length: 1500 }, (_, index) => sessionRow({ id: `id${index}` }));
    gateway.on('GET /v1/sessions', ({ url }) => {
      const query = new URLSearchParams(url.split('?')[1]);
      const [from, limit] = [Number(query.get('offset')), Number(query.get('limit'))];
      return { json: sessionsPage(rows.slice(from, from + limit), { total: rows.length, offset: from, limit }) };
    });
    const all = await run('sessions list --json --state up --user a&b --sort -rateIn');
    expect(JSON.parse(all.text).sessions).toHaveLength(1500);
    expect(gateway.asked.map(({ url }) => url)).toEqual([
      '/v1/sessions?state=up&user=a%26b&sort=-rateIn&offset=0&limit=1000',
      '/v1/sessions?state=up&user=a%26b&sort=-rateIn&offset=1000&limit=1000',
    ]);
    const few = await run('sessions list --limit 2 --offset 3');
    expect(few.out.slice(1).map((line) => line.split(' ')[0])).toEqual(['id3', 'id4']);
    expect(few.err).toEqual(['2 of 1500 sessions; --offset 5 shows the next']);
  });

  it('looks again for rates where nobody has looked before, unless a program wants no rates', async () => {
    const idle = sessionRow({ rateIn: 0, rateOut: 0 });
    const looks = () => gateway.asked.splice(0).length;
    gateway.on('GET /v1/sessions', () => ({
      json: sessionsPage([gateway.asked.length === 1 ? idle : sessionRow({ rateIn: 125_000 })]),
    }));
    expect((await run('sessions list')).out[1]).toContain('1.0 Mbit/s');
    expect(looks()).toBe(2);
    expect(JSON.parse((await run('sessions list --json --sort -rateIn')).text).sessions[0].rateIn).toBe(125_000);
    expect(looks()).toBe(2);
    await run('sessions list --json');
    expect(looks()).toBe(1);
  });

  it('says that there are none', async () => {
    gateway.on('GET /v1/sessions', { json: sessionsPage([]) });
    expect(await run('sessions list')).toMatchObject({ code: 0, out: ['no sessions'] });
  });

  it('lets no client play with the terminal', async () => {
    gateway.on('GET /v1/sessions', { json: sessionsPage([sessionRow({ user: '\u001b]0;x\u0007\n' })]) });
    const { out } = await run('sessions list');
    expect(out).toHaveLength(2);
    expect(out[1]).toContain('\\x1b]0;x\\x07\\x0a');
  });

  it.each([['--sort foo'], ['--state open'], ['--limit 0'], ['--worker x'], ['--peer x'], ['--worker 256']])(
    '%s is wrong usage',
    async (flags) => {
      expect((await run(`sessions list ${flags}`)).code).toBe(2);
      expect(gateway.asked).toEqual([]);
    },
  );
});

describe('sessions show', () => {
  it('shows all of one, by its id', async () => {
    gateway.on('GET /v1/sessions/4f1c09aa21e7', { json: sessionDetail() });
    const { code, text } = await run('sessions show 4f1c09aa21e7');
    expect(code).toBe(0);
    for (const part of ['alice', 'up 10.0 Mbit/s, down no limit', 'PC-1', '3 at mppe in stale-packet', '[control]']) {
      expect(text).toContain(part);
    }
    expect(JSON.parse((await run('sessions show 4f1c09aa21e7 --json')).text)).toEqual(sessionDetail());
  });

  it('finds it by its user, where the user has one', async () => {
    gateway.on('GET /v1/sessions', ({ url }) => ({
      json: sessionsPage(
        url.includes('user=alice') ? [sessionRow()] : url.includes('user=bob') ? [sessionRow(), BOB] : [],
      ),
    }));
    gateway.on('GET /v1/sessions/4f1c09aa21e7', { json: sessionDetail() });
    expect((await run('sessions show alice')).code).toBe(0);
    const several = await run('sessions show bob');
    expect([several.code, several.err[0]]).toEqual([
      1,
      expect.stringContaining('choose one of 4f1c09aa21e7, bbbbbbbbbbbb'),
    ]);
    expect((await run('sessions show carol')).code).toBe(1);
  });
});

describe('sessions kick', () => {
  beforeEach(() => {
    gateway.on('GET /v1/sessions', ({ url }) => ({
      json: sessionsPage(
        url.includes('search=4f1c') ? [sessionRow()] : url.includes('nobody') ? [] : [sessionRow(), BOB],
      ),
    }));
    gateway.on('POST /v1/sessions/disconnect', ({ body }) => ({
      json: { disconnected: 'id' in Object(body) ? ['4f1c09aa21e7'] : ['4f1c09aa21e7', 'bbbbbbbbbbbb'] },
    }));
  });
  const orders = () => gateway.asked.filter(({ method }) => method === 'POST').map(({ body }) => body);

  it('ends one without a question', async () => {
    expect(await run('sessions kick 4f1c09aa21e7 --reason enough')).toMatchObject({
      code: 0,
      out: ['ended 4f1c09aa21e7 of alice from 203.0.113.1:40000'],
    });
    expect(orders()).toEqual([{ id: '4f1c09aa21e7', reason: 'enough' }]);
  });

  it('asks before it ends several', async () => {
    const questions: string[] = [];
    const says = (answer: boolean): Partial<CliTerminal> => ({
      interactive: true,
      confirm: async (question) => {
        questions.push(question);
        return answer;
      },
    });
    const no = await run('sessions kick --user al', says(false));
    expect([no.code, no.err.at(-1), orders()]).toEqual([1, 'nothing was ended', []]);
    const yes = await run('sessions kick --user al', says(true));
    expect([yes.code, yes.out.length]).toEqual([0, 2]);
    expect(yes.err.join('\n')).toContain('bob');
    expect(questions).toEqual(['End these 2 sessions?', 'End these 2 sessions?']);
    expect(orders()).toEqual([{ user: 'al' }]);
  });

  it('ends with 130 when the question is interrupted', async () => {
    const gone = { interactive: true, confirm: () => Promise.reject(new Interrupted()) };
    expect(await run('sessions kick --peer 203.0.113.1', gone)).toMatchObject({ code: 130, out: [] });
    expect(orders()).toEqual([]);
  });

  it('wants --yes where nobody can be asked', async () => {
    const { code, err } = await run('sessions kick --user al');
    expect([code, err[0], orders()]).toEqual([2, expect.stringContaining('say --yes'), []]);
    expect((await run('sessions kick --user al --yes --json')).text).toBe(
      '{"disconnected":["4f1c09aa21e7","bbbbbbbbbbbb"]}',
    );
  });

  it('wants to know which, and says when there is none', async () => {
    expect((await run('sessions kick')).code).toBe(2);
    expect(await run('sessions kick --user nobody')).toMatchObject({ code: 1 });
  });

  it('says that the caller may not', async () => {
    const json = { code: 'FORBIDDEN', message: 'This takes the role operate, and the token is of the role read.' };
    gateway.on('POST /v1/sessions/disconnect', { status: 403, json });
    expect(await run('sessions kick 4f1c09aa21e7')).toMatchObject({
      code: 4,
      err: [`pptp-gateway: ADMIN_REFUSED: ${json.message}`],
    });
  });
});

describe('sessions set', () => {
  beforeEach(() => gateway.on('PATCH /v1/sessions/4f1c09aa21e7', { json: sessionDetail() }));
  const change = () => gateway.asked[0]?.body;

  it('sends what is to change', async () => {
    const { code, out } = await run(
      'sessions set 4f1c09aa21e7 --rate-up 10M --rate-down default --idle 30m --time 8h --quota 5G --filter office',
    );
    expect(code).toBe(0);
    expect(change()).toEqual({
      rateUp: 10_000_000,
      rateDown: null,
      idleSeconds: 1800,
      sessionSeconds: 28_800,
      quotaOctets: 5_000_000_000,
      filter: 'office',
    });
    expect(out).toEqual([
      'session 4f1c09aa21e7 of alice: rate up 10.0 Mbit/s, down no limit; filter none; idle 30 min; time no limit; quota no limit; routes 10.1.0.0/16',
    ]);
  });

  it.each([['--rate-up fast'], ['--idle soon'], ['--quota much'], ['']])('%j is wrong usage', async (flags) => {
    expect((await run(`sessions set 4f1c09aa21e7${flags === '' ? '' : ` ${flags}`}`)).code).toBe(2);
    expect(gateway.asked).toEqual([]);
  });
});

describe('sessions watch without a terminal', () => {
  const twice = (last = '') =>
    gateway.on('GET /v1/sessions/stream', {
      stream: (response) => {
        response.write(eventText('sessions', sessionsPage([sessionRow()])));
        response.write(': still here\n\n');
        response.write(eventText('sessions', sessionsPage([sessionRow(), BOB], { total: 9 })));
        if (last === 'end') response.end();
        if (last === 'cut') response.destroy();
      },
    });

  it('prints a table each time, or a line of JSON', async () => {
    twice();
    const plain = await run('sessions watch --count 2 --sort user');
    expect(plain.code).toBe(0);
    expect(plain.out.filter((line) => /sessions?$/.test(line)).map((line) => line.slice(26))).toEqual([
      '1 session',
      '2 of 9 sessions',
    ]);
    expect(gateway.asked[0]?.url).toBe('/v1/sessions/stream?sort=user&limit=100');
    const json = await run('sessions watch --count 2 --json');
    expect(json.out.map((line) => JSON.parse(line).sessions.length)).toEqual([1, 2]);
  });

  it('ends when the gateway ends the stream, and with 3 when it breaks off', async () => {
    twice('end');
    expect((await run('sessions watch --json')).code).toBe(0);
    gateway.on('GET /v1/sessions/stream', {
      stream: (response) => {
        response.write(eventText('sessions', sessionsPage([])), () => response.destroy());
      },
    });
    expect(await run('sessions watch --json')).toMatchObject({
      code: 3,
      err: ['pptp-gateway: ADMIN_UNREACHABLE: the gateway went away.'],
    });
  });

  it('ends with 130 at Ctrl-C', async () => {
    twice();
    let interrupt: () => void = () => undefined;
    const lines: string[] = [];
    const { code } = await run('sessions watch --json', {
      out: (line) => {
        lines.push(line);
        if (lines.length === 2) interrupt();
      },
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => undefined;
      },
    });
    expect([code, lines.length]).toEqual([130, 2]);
  });
});
