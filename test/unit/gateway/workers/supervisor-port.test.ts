import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Ask } from '../../../../gateway/workers/ask.ts';
import type { WorkerMessage } from '../../../../gateway/workers/messages.ts';
import { SupervisorPort } from '../../../../gateway/workers/supervisor-port.ts';
import type { ConnectionTaker } from '../../../../plugins/control-pptp/index.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const bench = () => {
  const sent: WorkerMessage[] = [];
  let hear: (value: unknown, handle?: unknown) => void = () => undefined;
  let leave: () => void = () => undefined;
  const port = new SupervisorPort(
    {
      send: (message) => void sent.push(message),
      onMessage: (listener) => {
        hear = listener;
      },
      onDisconnect: (listener) => {
        leave = listener;
      },
    },
    new ManualClock(),
  );
  return {
    sent,
    port,
    hear: (value: unknown, handle?: unknown) => hear(value, handle),
    leave: () => leave(),
  };
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what a worker is told', () => {
  const start = { shard: { index: 1, count: 2 }, config: {}, version: '1.2.3', restarts: 0 };

  it('is its share first, and then when to end', async () => {
    const { port, hear } = bench();
    hear({ kind: 'start', start });
    hear({ kind: 'stop' });
    expect(await port.start).toEqual(start);
    expect(await port.told).toBe('stop');
  });

  it('is nothing more when its supervisor is gone: it ends, and nobody answers it', async () => {
    const { port, leave } = bench();
    const ask: Ask<number, number> = {
      name: 'x',
      isBody: (value): value is number => typeof value === 'number',
      isAnswer: (value): value is number => typeof value === 'number',
    };
    const asked = expect(port.request(ask, 1)).rejects.toMatchObject({ code: 'GONE' });
    leave();
    expect(await port.told).toBe('disconnect');
    await asked;
  });

  it('waits for its answer while the worker is deaf to it', async () => {
    const { port, hear, sent } = bench();
    const asks = ['thaw', 'kick'].map(
      (name): Ask<number, number> => ({
        name,
        isBody: (value): value is number => typeof value === 'number',
        isAnswer: (value): value is number => typeof value === 'number',
      }),
    );
    for (const ask of asks) port.answer(ask, (body) => body + 1);
    port.deafen(['thaw']);
    hear({ kind: 'request', id: 1, ask: 'kick', body: 1 });
    hear({ kind: 'request', id: 2, ask: 'thaw', body: 2 });
    await settle();
    expect(sent).toEqual([{ kind: 'response', id: 2, ok: true, body: 3 }]);
    port.deafen(undefined);
    await settle();
    expect(sent.at(-1)).toEqual({ kind: 'response', id: 1, ok: true, body: 2 });
  });

  it('may be that another process goes on with all it has', async () => {
    const { port, hear } = bench();
    hear({ kind: 'leave' });
    expect(await port.told).toBe('leave');
  });

  it('may be a question, a ping, or nonsense', async () => {
    const { port, hear, sent } = bench();
    const isText = (value: unknown): value is string => typeof value === 'string';
    port.answer({ name: 'echo', isBody: isText, isAnswer: isText }, (body) => body);
    hear({ kind: 'ping', id: 8 });
    hear({ kind: 'request', id: 1, ask: 'echo', body: 'hello' });
    for (const nonsense of [undefined, 'stop', { kind: 'stopp' }, { kind: 'start', start: {} }]) hear(nonsense);
    await settle();
    expect(sent).toEqual([
      { kind: 'pong', id: 8, sessions: 0 },
      { kind: 'response', id: 1, ok: true, body: 'hello' },
    ]);
  });
});

describe('a connection that is handed over', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
    known.splice(0);
  });

  /** Two ends of a TCP connection. */
  const pair = async (): Promise<{ readonly client: Socket; readonly served: Socket }> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const client = connect(address.port, '127.0.0.1');
    const [served] = await once(server, 'connection');
    ends.push(() => {
      client.destroy();
      served.destroy();
      server.close();
    });
    return { client, served };
  };
  const known: unknown[] = [];
  const taking = (port: SupervisorPort): Socket[] => {
    const taken: Socket[] = [];
    const take = (socket: Socket, isKnown?: boolean): void => {
      taken.push(socket);
      known.push(isKnown);
    };
    const taker: ConnectionTaker = { take, failed: () => undefined };
    void port.connections.start(taker);
    return taken;
  };

  it('is confirmed before it is used, and its end is told', async () => {
    const { port, hear, sent } = bench();
    const taken = taking(port);
    const { client, served } = await pair();
    hear({ kind: 'connection', connection: 5, isKnown: true }, served);
    expect([taken, known]).toEqual([[served], [true]]);
    expect(sent).toEqual([{ kind: 'taken', connection: 5 }]);
    served.resume();
    client.destroy();
    await once(served, 'close');
    expect(sent.at(-1)).toEqual({ kind: 'ended', connection: 5 });
  });

  it('and was closed on the way has ended at once', () => {
    const { port, hear, sent } = bench();
    const taken = taking(port);
    hear({ kind: 'connection', connection: 6, isKnown: false });
    expect(taken).toEqual([]);
    expect(sent.map(({ kind }) => kind)).toEqual(['taken', 'ended']);
  });

  it('is closed when nobody takes it: before the start, and after the stop, which waits for all', async () => {
    const { port, hear, sent } = bench();
    const early = await pair();
    hear({ kind: 'connection', connection: 1, isKnown: false }, early.served);
    await once(early.served, 'close');
    const taken = taking(port);
    const { served } = await pair();
    hear({ kind: 'connection', connection: 2, isKnown: false }, served);
    let stopped = false;
    const stop = port.connections.stop().then(() => {
      stopped = true;
    });
    const late = await pair();
    hear({ kind: 'connection', connection: 3, isKnown: false }, late.served);
    await once(late.served, 'close');
    await settle();
    expect(stopped).toBe(false);
    expect(taken).toEqual([served]);
    served.destroy();
    await stop;
    expect(sent.filter(({ kind }) => kind === 'ended')).toHaveLength(3);
  });

  it('that fails harms nobody', async () => {
    const { port, hear, sent } = bench();
    taking(port);
    const { client, served } = await pair();
    hear({ kind: 'connection', connection: 1, isKnown: false }, served);
    served.resume();
    client.resetAndDestroy();
    await new Promise((resolve) => served.once('close', resolve));
    expect(sent.at(-1)).toEqual({ kind: 'ended', connection: 1 });
  });
});
