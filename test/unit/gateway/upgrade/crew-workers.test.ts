import { describe, expect, it } from 'vitest';
import type { Gateway } from '../../../../gateway/bootstrap.ts';
import { WorkerAfter } from '../../../../gateway/upgrade/crew-worker-after.ts';
import { WorkerBefore } from '../../../../gateway/upgrade/crew-worker-before.ts';
import type { SupervisorMessage, WorkerMessage } from '../../../../gateway/workers/messages.ts';
import { SupervisorPort } from '../../../../gateway/workers/supervisor-port.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One worker that tells what is done with its gateway. */
const bench = (stuck = 0) => {
  const steps: string[] = [];
  const sent: WorkerMessage[] = [];
  let hear: (value: unknown, handle?: unknown) => void = () => undefined;
  let cut: () => void = () => undefined;
  const port = new SupervisorPort(
    {
      send: (message) => void sent.push(message),
      onMessage: (listener) => {
        hear = listener;
      },
      onDisconnect: (listener) => {
        cut = listener;
      },
    },
    new ManualClock(),
  );
  const step = (name: string) => (): void => void steps.push(name);
  const moving = {
    gone: false,
    upCount: stuck,
    obstacles: () => ['The moon is full.'],
    descriptors: () => ({ tun: { fd: 8, about: 'off pptp0' }, gre: { fd: 9, about: '1 1' } }),
    stragglers: () => ({ up: [], setups: 2 }),
    rest: async () => void steps.push('rest'),
    freeze: step('freeze'),
    take: () => ({ tunnels: [], connections: [], callIds: 'ids', networks: ['10.5.0.0/16'], listener: undefined }),
    release: async () => [{ name: 'ledger', state: 7 }],
    takeBack: async () => void steps.push('take back'),
    thaw: step('thaw'),
    takeOverParts: async (parts: unknown) => void steps.push(`parts ${JSON.stringify(parts)}`),
    restore: () => {
      steps.push('restore');
      return [];
    },
    resume: step('resume'),
    adoptHost: async () => void steps.push('adopt the host'),
  };
  const gateway = { moving, start: async () => void steps.push('start') } as unknown as Gateway;
  let lastId = 0;
  const ask = async (name: string, body?: unknown): Promise<unknown> => {
    lastId += 1;
    hear({ kind: 'request', id: lastId, ask: `upgrade.${name}`, body } satisfies SupervisorMessage);
    await settle();
    const answer = sent.find((message) => message.kind === 'response' && message.id === lastId);
    return answer?.kind !== 'response' ? undefined : answer.ok ? answer.body : answer.code;
  };
  return { steps, sent, port, gateway, moving, ask, hear: (value: unknown) => hear(value), cut: () => cut() };
};

describe('a worker that is handed over', () => {
  const worker = (stuck = 0) => {
    const made = bench(stuck);
    const fds: (readonly number[])[] = [];
    const { port, gateway } = made;
    const before = new WorkerBefore({
      port,
      gateway,
      pool: { snapshot: () => [{ address: 5, loan: 1 }] },
      log: new MemoryLog(),
      send: (some) => void fds.push(some),
    });
    return { ...made, before, fds };
  };

  it('gives what it has step by step, and goes on where nobody takes it', async () => {
    const { ask, fds, sent, steps } = worker();
    expect(await ask('look')).toEqual(['The moon is full.']);
    expect(await ask('bequeath')).toEqual({ tun: 'off pptp0', gre: '1 1', clock: expect.anything() });
    expect(fds).toEqual([[8, 9]]);
    await ask('rest');
    expect(await ask('take')).toEqual({
      tunnels: 0,
      setups: 2,
      callIds: 'ids',
      networks: ['10.5.0.0/16'],
      borrowed: [{ address: 5, loan: 1 }],
    });
    await ask('release');
    expect(sent).toContainEqual({ kind: 'moved', body: { kind: 'part', part: { name: 'ledger', state: 7 } } });
    await ask('go-on');
    expect(steps).toEqual(['rest', 'freeze', 'take back', 'thaw']);
  });

  it('is asked nothing else while it stands still', async () => {
    const { ask } = worker();
    await ask('take');
    expect(await ask('look')).toBeUndefined();
    await ask('go-on');
    expect(await ask('look')).toEqual(['The moon is full.']);
  });

  it('says when a tunnel would be lost, and can go on then', async () => {
    const { ask, steps } = worker(1);
    expect(await ask('take')).toBe('UPGRADE_REFUSED');
    await ask('go-on');
    expect(steps).toEqual(['freeze', 'take back', 'thaw']);
  });

  it('takes nothing down when another one has its tunnels, or may have', async () => {
    const told = worker();
    told.before.ends('leave');
    expect(told.moving.gone).toBe(true);
    const cut = worker();
    await cut.ask('take');
    cut.before.ends('disconnect');
    expect(cut.moving.gone).toBe(true);
    const alone = worker();
    alone.before.ends('disconnect');
    alone.before.ends('stop');
    expect(alone.moving.gone).toBe(false);
  });
});

describe('a worker that takes over', () => {
  const worker = () => {
    const made = bench();
    const { steps, port, gateway } = made;
    const after = new WorkerAfter({
      port,
      heritage: {
        pid: 50,
        restarts: 0,
        clock: { now: 1, host: 1 },
        tun: { fd: 5, about: '' },
        gre: { fd: 6, about: '' },
      },
      pool: () => ({ restore: () => void steps.push('addresses'), restored: () => void steps.push('spare addresses') }),
      log: new MemoryLog(),
      giveUp: () => void steps.push('give up'),
    });
    const heritage = after.heritage(() => undefined);
    const taken = heritage.before(gateway);
    const said = (): unknown[] => made.sent.flatMap((message) => (message.kind === 'moved' ? [message.body] : []));
    return { ...made, heritage, taken, said, told: (body: unknown) => made.hear({ kind: 'moved', body }) };
  };
  const restore = { step: 'restore', callIds: undefined, networks: [], borrowed: [], lent: [] };

  it('goes on when it is told that all can, and opens what only one can have when it is alone', async () => {
    const { taken, said, told, steps, cut } = worker();
    await expect.poll(said).toEqual([{ step: 'open' }]);
    told({ step: 'part', part: { name: 'ledger', state: 7 } });
    told({ step: 'tunnels', tunnels: ['nonsense'] });
    told(restore);
    await expect.poll(said).toHaveLength(2);
    expect(said()[1]).toEqual({ step: 'restored', tunnels: 0, failed: ['unreadable'] });
    expect(steps).toEqual(['start', 'parts [{"name":"ledger","state":7}]', 'addresses', 'restore']);
    told({ step: 'resume' });
    await expect.poll(() => steps.slice(4)).toEqual(['resume', 'spare addresses', 'adopt the host']);
    told({ step: 'alone' });
    await taken;
    cut();
    await settle();
    expect(steps).not.toContain('give up');
  });

  it('does not wait for a supervisor that is gone', async () => {
    const { taken, said, told, steps, cut } = worker();
    await expect.poll(said).toEqual([{ step: 'open' }]);
    told(restore);
    told({ step: 'resume' });
    await expect.poll(() => steps.at(-1)).toBe('adopt the host');
    cut();
    await taken;
    expect(steps.at(-1)).toBe('adopt the host');
  });

  it.each([
    ['its supervisor is gone', ({ cut }: ReturnType<typeof worker>) => cut()],
    ['it is told to stop', ({ hear }: ReturnType<typeof worker>) => hear({ kind: 'stop' })],
  ])('ends without a word when %s before that', async (_what, end) => {
    const made = worker();
    await expect.poll(made.said).toEqual([{ step: 'open' }]);
    made.told(restore);
    await expect.poll(made.said).toHaveLength(2);
    end(made);
    await settle();
    expect(made.steps.at(-1)).toBe('give up');
    expect(made.steps).not.toContain('resume');
  });
});
