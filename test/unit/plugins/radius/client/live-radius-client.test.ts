import { describe, expect, it } from 'vitest';
import {
  LiveRadiusClient,
  type OpenDatagramSocket,
  type RadiusClientOptions,
} from '../../../../../plugins/radius/client/index.ts';
import { CODE, openRequest, sealReply } from '../../../../../plugins/radius/wire/index.ts';
import { FakeClock } from '../../../../../testing/lab/fake-clock.ts';
import { MemoryLog } from '../../../../support/memory-log.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';

const server = (host: string) => ({ host, port: 1812, weight: 1 });
const OPTIONS: RadiusClientOptions = {
  purpose: 'authentication',
  servers: [server('one')],
  secret: 'of the first day',
  timeoutMs: 1000,
  tries: 2,
  deadTimeMs: 60_000,
  maxOutstanding: 2,
  maxWaiting: 8,
  requireMessageAuthenticator: true,
};
const REQUEST = { code: CODE.accessRequest, attributes: () => [] };

/** Servers that hold every request until they are told to answer it, each by the secret that it has then. */
const bench = (options: RadiusClientOptions = OPTIONS) => {
  const clock = new FakeClock();
  const open = new Set<string>();
  const got: { readonly host: string; answer(): boolean }[] = [];
  const secrets: Record<string, string> = {};
  let sockets = 0;
  const openSocket: OpenDatagramSocket = ({ host }, _bind, events) => {
    sockets += 1;
    const name = `${host} ${sockets}`;
    open.add(name);
    return {
      send: (bytes) => {
        const request = bytes.slice();
        const answer = (): boolean => {
          const secret = new TextEncoder().encode(secrets[host] ?? OPTIONS.secret);
          const packet = openRequest(request, secret, true);
          if (typeof packet === 'string') return false;
          const { identifier, authenticator } = packet;
          const reply = sealReply({ code: CODE.accessReject, identifier, attributes: [] }, authenticator, secret);
          if (reply !== undefined && open.has(name)) events.message(reply);
          return true;
        };
        got.push({ host, answer });
      },
      close: () => void open.delete(name),
    };
  };
  const client = new LiveRadiusClient(options, {
    clock,
    random: seededRandom(3),
    log: new MemoryLog(),
    telemetry: { event: () => undefined },
    open: openSocket,
  });
  const ask = (more: { readonly only?: number } = {}) => {
    const state = { outcome: 'none' };
    client.ask({ ...REQUEST, ...more }).then(
      ({ server: from }) => {
        state.outcome = client.nameOf(from);
      },
      (cause: Error) => {
        state.outcome = cause.message;
      },
    );
    return state;
  };
  const hosts = () => got.map(({ host }) => host);
  const sockets$ = () => [...open].map((name) => name.split(' ')[0]);
  return { clock, client, got, ask, hosts, secrets, openSockets: sockets$ };
};

describe('RADIUS servers that become others', () => {
  it('answer what they were asked before, with the secret of then; their socket closes behind the last one', async () => {
    const { clock, client, got, ask, hosts, openSockets } = bench();
    const [first, second] = [ask(), ask()];
    client.use({ ...OPTIONS, servers: [server('two')], secret: 'of the second day' });
    expect(openSockets()).toEqual(['one']);
    expect(got[0]?.answer()).toBe(true);
    await clock.advance(0);
    expect([first.outcome, second.outcome, openSockets()]).toEqual(['one:1812', 'none', ['one']]);
    got[1]?.answer();
    await clock.advance(0);
    expect([second.outcome, openSockets()]).toEqual(['one:1812', []]);
    ask();
    expect([hosts(), openSockets()]).toEqual([['one', 'one', 'two'], ['two']]);
  });

  it('get what had not been sent yet', async () => {
    const { clock, client, ask, hosts, got, secrets } = bench();
    secrets['two'] = 'of the second day';
    ask();
    ask();
    const third = ask();
    client.use({ ...OPTIONS, servers: [server('two')], secret: 'of the second day' });
    await clock.advance(0);
    expect(hosts()).toEqual(['one', 'one', 'two']);
    expect(got[2]?.answer()).toBe(true);
    await clock.advance(0);
    expect(third.outcome).toBe('two:1812');
  });

  it('get what the ones before did not answer: a log-in survives that the secret is another one', async () => {
    const { clock, client, ask, got, secrets } = bench();
    const login = ask();
    secrets['one'] = 'of the second day';
    expect(got[0]?.answer()).toBe(false);
    client.use({ ...OPTIONS, secret: 'of the second day' });
    await clock.advance(3_000);
    const last = got.at(-1);
    expect(last?.answer()).toBe(true);
    await clock.advance(0);
    expect(login.outcome).toBe('one:1812');
  });

  it('keep their numbers, so that an exchange stays with its server', async () => {
    const { clock, client, ask, got, hosts, secrets } = bench({ ...OPTIONS, servers: [server('one'), server('two')] });
    ask();
    ask();
    const two = got.find(({ host }) => host === 'two');
    two?.answer();
    await clock.advance(0);
    expect(client.nameOf(1)).toBe('two:1812');
    client.use({ ...OPTIONS, servers: [server('zero'), server('two')], secret: 'of the second day' });
    secrets['two'] = 'of the second day';
    const next = ask({ only: 1 });
    expect(hosts().at(-1)).toBe('two');
    got.at(-1)?.answer();
    await clock.advance(0);
    expect(next.outcome).toBe('two:1812');
    // The first one is not asked any more, so what only it knows has no answer.
    const lost = ask({ only: 0 });
    await clock.advance(0);
    expect(lost.outcome).toBe('no RADIUS server has answered');
  });

  it('do not pile up, however often they change', async () => {
    const { clock, client, ask, openSockets, hosts } = bench();
    const first = ask();
    for (let n = 0; n < 20; n += 1) {
      client.use({ ...OPTIONS, servers: [server(`server${n}`)] });
      ask();
    }
    // The one that is asked now, and four that owe an answer.
    expect(openSockets()).toHaveLength(5);
    await clock.advance(0);
    expect([first.outcome, hosts().at(-1)]).toEqual(['none', 'server19']);
  });

  it('stay what they are where nothing is different', () => {
    const { client, ask, openSockets } = bench();
    ask();
    client.use({ ...OPTIONS, servers: [server('one')] });
    ask();
    expect(openSockets()).toEqual(['one']);
  });

  it('are asked nothing any more after the end, and all who wait hear of it', async () => {
    const { clock, client, ask, openSockets } = bench();
    const first = ask();
    client.use({ ...OPTIONS, servers: [server('two')] });
    const second = ask();
    client.close();
    await clock.advance(0);
    expect([first.outcome, second.outcome, ask().outcome]).toEqual(['the gateway stops', 'the gateway stops', 'none']);
    await clock.advance(0);
    client.use({ ...OPTIONS, servers: [server('three')] });
    expect(openSockets()).toEqual([]);
  });
});
