import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionRow } from '../../../../gateway/admin/api/sessions.ts';
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

/** Looks for a part of id, user and address, as the gateway does. */
const serveList = (...rows: readonly SessionRow[]): void =>
  gateway.on('GET /v1/sessions', ({ url }) => {
    const query = new URLSearchParams(url.split('?')[1]);
    const search = query.get('search')?.toLowerCase() ?? '';
    const peer = query.get('peer') ?? '';
    const fits = ({ id, user, address, peer: from }: SessionRow) =>
      `${id} ${user} ${address}`.toLowerCase().includes(search) && from.startsWith(peer);
    return { json: sessionsPage(rows.filter(fits)) };
  });
const row = (id: string, user: string, address: string): SessionRow => sessionRow({ id, user, address });
const TWINS = [
  row('aaaa00000001', 'DOMAIN\\alice', '10.99.0.2'),
  row('aaaa00000002', 'bob', '10.99.0.20'),
  row('bbbb00000003', 'bob', '10.99.0.3'),
  row('cccc00000004', 'bobby', '10.99.0.4'),
];

describe('sessions show', () => {
  beforeEach(() => {
    serveList(...TWINS);
    for (const { id, user } of TWINS) {
      gateway.on(`GET /v1/sessions/${id}`, { json: sessionDetail({ id, user, rateIn: 0, rateOut: 0 }) });
    }
  });
  const shown = async (which: string) => JSON.parse((await run(`sessions show ${which} --json`)).text).id;

  it('shows all of one', async () => {
    serveList(sessionRow());
    gateway.on('GET /v1/sessions/4f1c09aa21e7', { json: sessionDetail() });
    const { code, text } = await run('sessions show 4f1c09aa21e7');
    expect(code).toBe(0);
    for (const part of ['alice', 'up 10.0 Mbit/s, down no limit', 'PC-1', '3 at mppe in stale-packet', '[control]']) {
      expect(text).toContain(part);
    }
    expect(JSON.parse((await run('sessions show 4f1c09aa21e7 --json')).text)).toEqual(sessionDetail());
  });

  it.each([
    ['bbbb00000003', 'bbbb00000003'],
    ['BBBB00000003', 'bbbb00000003'],
    ['bbbb', 'bbbb00000003'],
    ['aaaa00000002', 'aaaa00000002'],
    ['alice', 'aaaa00000001'],
    ['DOMAIN\\ALICE', 'aaaa00000001'],
    ['10.99.0.2', 'aaaa00000001'],
    ['bobby', 'cccc00000004'],
  ])('finds by %s the session %s', async (which, id) => {
    expect(await shown(which)).toBe(id);
  });

  it.each([['carol'], ['bbb'], ['10.99.0'], ['lice'], ['stream']])('finds none by %s', async (which) => {
    const { code, err } = await run(`sessions show ${which}`);
    expect([code, err]).toEqual([1, [expect.stringContaining('ADMIN_REFUSED: there is no such session')]]);
    expect(gateway.asked.every(({ url }) => url.startsWith('/v1/sessions?'))).toBe(true);
  });

  it('lists several, and shows them all if told to', async () => {
    const several = await run('sessions show bob');
    expect([several.code, several.out]).toEqual([1, []]);
    expect(several.err.map((line) => line.slice(0, 12))).toEqual([
      'SESSION     ',
      'aaaa00000002',
      'bbbb00000003',
      'pptp-gateway',
    ]);
    expect(several.err.at(-1)).toContain('ADMIN_REFUSED: 2 sessions fit: give the id of one, or say --all');
    const all = await run('sessions show bob --all');
    expect([all.code, all.out.filter((line) => line.startsWith('session ')).length]).toEqual([0, 2]);
    const json = JSON.parse((await run('sessions show aaaa --all --json')).text);
    expect(json.map(({ id }: { readonly id: string }) => id)).toEqual(['aaaa00000001', 'aaaa00000002']);
  });

  it('passes over what has ended since it was found', async () => {
    gateway.on('GET /v1/sessions/aaaa00000002', { status: 404, json: { code: 'NO_SESSION', message: 'Gone.' } });
    expect(JSON.parse((await run('sessions show bob --all --json')).text)).toHaveLength(1);
    expect(await run('sessions show aaaa00000002')).toMatchObject({
      code: 1,
      err: ['pptp-gateway: ADMIN_REFUSED: Gone.'],
    });
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

  it('ends by user, inner address or a part of the id what is one, and no other', async () => {
    serveList(...TWINS);
    const ended = () => orders().flatMap((order) => Object(order).id);
    for (const which of ['alice', '10.99.0.3', 'cccc']) expect((await run(`sessions kick ${which}`)).code).toBe(0);
    expect(ended()).toEqual(['aaaa00000001', 'bbbb00000003', 'cccc00000004']);
  });

  it('lists several that a word fits, and ends them with --all alone', async () => {
    serveList(...TWINS);
    gateway.on('POST /v1/sessions/disconnect', ({ body }) => ({ json: { disconnected: [Object(body).id] } }));
    for (const flags of ['', ' --yes', ' --json']) {
      const several = await run(`sessions kick bob${flags}`, { interactive: true });
      expect([several.code, several.err.at(-1)]).toEqual([1, expect.stringContaining('say --all')]);
    }
    expect(orders()).toEqual([]);
    const all = await run('sessions kick bob --all --reason moved');
    expect([all.code, all.out.length]).toEqual([0, 2]);
    expect(orders()).toEqual([
      { id: 'aaaa00000002', reason: 'moved' },
      { id: 'bbbb00000003', reason: 'moved' },
    ]);
  });

  it('narrows what a word fits with flags', async () => {
    serveList(...TWINS, { ...row('dddd00000005', 'bob', '10.99.0.5'), peer: '198.51.100.7:1' });
    expect((await run('sessions kick bob --peer 198.51.100.7')).code).toBe(0);
    expect(orders()).toEqual([{ id: 'dddd00000005' }]);
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
  beforeEach(() => {
    serveList(sessionRow());
    gateway.on('PATCH /v1/sessions/4f1c09aa21e7', { json: sessionDetail() });
  });
  const change = () => gateway.asked.at(-1)?.body;

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

  it('takes a user, and several only with --all', async () => {
    expect((await run('sessions set alice --idle 5m')).code).toBe(0);
    expect(change()).toEqual({ idleSeconds: 300 });
    serveList(...TWINS);
    const changes = () => gateway.asked.filter(({ method }) => method === 'PATCH').splice(1);
    expect((await run('sessions set bob --idle 5m')).code).toBe(1);
    expect(changes()).toEqual([]);
    for (const id of ['aaaa00000002', 'bbbb00000003']) {
      gateway.on(`PATCH /v1/sessions/${id}`, { json: sessionDetail({ id, user: 'bob' }) });
    }
    expect((await run('sessions set bob --idle 5m --all')).out).toEqual([
      expect.stringContaining('session aaaa00000002 of bob'),
      expect.stringContaining('session bbbb00000003 of bob'),
    ]);
    expect(JSON.parse((await run('sessions set bob --idle 5m --all --json')).text)).toHaveLength(2);
  });

  it('says when nothing was there any more to be changed', async () => {
    gateway.on('PATCH /v1/sessions/4f1c09aa21e7', { status: 404, json: { code: 'NO_SESSION', message: 'Gone.' } });
    expect(await run('sessions set alice --idle 5m --all')).toMatchObject({ code: 1, out: [] });
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
