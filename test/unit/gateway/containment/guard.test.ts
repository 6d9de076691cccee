import { describe, expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { CircuitBreaker } from '../../../../gateway/containment/breaker.ts';
import { Guard } from '../../../../gateway/containment/guard.ts';
import { PluginFailure } from '../../../../gateway/containment/plugin-failure.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const TIMEOUT_MS = 1_000;

class Bench {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly telemetry = new MemoryTelemetry();
  readonly guard: Guard;

  constructor(breaker?: CircuitBreaker) {
    const deps = { clock: this.clock, log: this.log, telemetry: this.telemetry, timeoutMs: TIMEOUT_MS };
    this.guard = new Guard(deps, { name: 'acme', port: 'session-policy' }, breaker);
  }

  /** What became of a question: the answer, or the word of the failure. */
  async ask(work: (signal: AbortSignal) => unknown, more: Partial<Parameters<Guard['ask']>[0]> = {}): Promise<unknown> {
    try {
      return await this.guard.ask({ work, fits: (answer) => answer === 'yes', ...more });
    } catch (cause) {
      return cause instanceof PluginFailure ? cause.code : cause;
    }
  }

  /** So many questions to something that throws. */
  async fail(times: number): Promise<unknown[]> {
    const words = [];
    for (let at = 0; at < times; at += 1) words.push(await this.ask(() => Promise.reject(new Error('no'))));
    return words;
  }

  events(name: string): readonly unknown[] {
    return this.telemetry.events.filter((event) => event.name === name).map(({ attributes }) => attributes);
  }
}

describe('a question', () => {
  it('gets its answer, at once or later', async () => {
    const bench = new Bench();
    expect([await bench.ask(() => 'yes'), await bench.ask(async () => 'yes')]).toEqual(['yes', 'yes']);
    expect([bench.clock.pending, bench.log.lines, bench.telemetry.events]).toEqual([0, [], []]);
  });

  it.each<[string, () => unknown]>([
    ['plugin-threw', () => Promise.reject(new Error('no'))],
    [
      'plugin-threw',
      () => {
        throw new Error('no');
      },
    ],
    [
      'plugin-threw',
      () => {
        throw undefined;
      },
    ],
    ['plugin-answer', () => 'no'],
    ['plugin-answer', () => undefined],
  ])('%s: it fails, is counted and logged without what was said', async (word, work) => {
    const bench = new Bench();
    expect(await bench.ask(work)).toBe(word);
    expect(bench.events('plugin.failed')).toEqual([{ plugin: 'acme', port: 'session-policy', why: word }]);
    expect(bench.log.lines).toMatchObject([
      { level: 'warn', event: 'plugin.failed', fields: { plugin: 'acme', why: word } },
    ]);
  });

  it('is an answer that does not fit where looking at it throws', async () => {
    const fits = (): boolean => {
      throw new Error('a getter');
    };
    expect(await new Bench().ask(() => 'yes', { fits })).toBe('plugin-answer');
  });

  it('is given up when its time is over, and its signal fires', async () => {
    const bench = new Bench();
    let signal: AbortSignal | undefined;
    const asked = bench.ask((own) => {
      signal = own;
      return new Promise(() => undefined);
    });
    await bench.clock.advance(TIMEOUT_MS - 1);
    expect(signal?.aborted).toBe(false);
    await bench.clock.advance(1);
    expect([await asked, signal?.aborted]).toEqual(['plugin-timeout', true]);
  });

  it('ignores an answer that comes too late, but for giving back what it holds', async () => {
    const bench = new Bench();
    const late: unknown[] = [];
    let answer: (value: unknown) => void = () => undefined;
    const work = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    for (const word of ['yes', 'nonsense']) {
      const asked = bench.ask(work, { late: (value) => void late.push(value) });
      await bench.clock.advance(TIMEOUT_MS);
      expect(await asked).toBe('plugin-timeout');
      answer(word);
      await bench.clock.advance(0);
    }
    expect(late).toEqual(['yes']);
  });

  it('ends when nobody waits any more, which is no failure of the plug-in', async () => {
    const bench = new Bench();
    for (let at = 0; at < 20; at += 1) {
      const session = new AbortController();
      const asked = bench.ask((own) => new Promise((_, reject) => own.addEventListener('abort', reject)), {
        signal: session.signal,
      });
      session.abort();
      expect(await asked).toBe('cancelled');
    }
    expect([bench.telemetry.events, bench.clock.pending, await bench.ask(() => 'yes')]).toEqual([[], 0, 'yes']);
  });

  it('is not asked for somebody who has left already', async () => {
    const bench = new Bench();
    let calls = 0;
    const word = await bench.ask(
      () => {
        calls += 1;
      },
      { signal: AbortSignal.abort() },
    );
    expect([word, calls]).toEqual(['cancelled', 0]);
  });

  it('is a step of the span that is given, with the word of its failure', async () => {
    const bench = new Bench();
    const trace = bench.telemetry.tunnel({});
    const span = trace.phase('address');
    await bench.ask(() => 'yes', { span });
    await bench.ask(() => 'no', { span });
    expect(bench.telemetry.traces[0]?.phases[0]?.steps).toMatchObject([
      { name: 'plugin.acme', attributes: { 'pptp.plugin.port': 'session-policy' }, ended: true, failure: undefined },
      { name: 'plugin.acme', ended: true, failure: { error: 'plugin-answer' } },
    ]);
  });
});

describe('a plug-in that fails again and again', () => {
  it('is not asked for a while, which is said once, and then with one question', async () => {
    const bench = new Bench();
    expect(await bench.fail(7)).toEqual([...Array(5).fill('plugin-threw'), 'plugin-resting', 'plugin-resting']);
    expect([bench.guard.rests, bench.log.events('error')]).toEqual([true, ['plugin.resting']]);
    await bench.clock.advance(5_000);
    const [slow, second] = [bench.ask(async () => 'yes'), bench.ask(() => 'yes')];
    expect([await slow, await second, await bench.ask(() => 'yes')]).toEqual(['yes', 'plugin-resting', 'yes']);
    expect(bench.log.events('info')).toEqual(['plugin.recovered']);
    expect([bench.events('plugin.breaker-opened').length, bench.events('plugin.breaker-closed').length]).toEqual([
      1, 1,
    ]);
  });

  it('is logged within a budget', async () => {
    const bench = new Bench();
    await bench.fail(4);
    await bench.clock.advance(10_000);
    await bench.fail(1);
    expect(
      bench.log.lines.filter(({ event }) => event === 'plugin.failed').map(({ fields }) => fields['repeated']),
    ).toEqual([0, 3]);
  });

  it('may leave only so many calls hanging', async () => {
    const bench = new Bench();
    const ends: (() => void)[] = [];
    const hang = () => new Promise<void>((resolve) => ends.push(resolve));
    const words = [];
    for (let at = 0; at < 200; at += 1) {
      const session = new AbortController();
      const asked = bench.ask(hang, { signal: session.signal });
      session.abort();
      words.push(await asked);
    }
    expect([words.filter((word) => word === 'cancelled').length, ends.length, words.at(-1)]).toEqual([
      128,
      128,
      'plugin-resting',
    ]);
    ends[0]?.();
    await bench.clock.advance(0);
    expect(await bench.ask(() => 'yes')).toBe('yes');
  });
});

describe('a plug-in that one peer makes fail', () => {
  const throwing = () => Promise.reject(new Error('no'));

  it('is asked for others all the same, and rests when a second peer sees it fail, too', async () => {
    const bench = new Bench();
    for (let at = 0; at < 20; at += 1) expect(await bench.ask(throwing, { source: 1 })).toBe('plugin-threw');
    expect([bench.guard.rests, await bench.ask(() => 'no', { source: 1 })]).toEqual([false, 'plugin-answer']);
    expect(await bench.ask(throwing, { source: 2 })).toBe('plugin-threw');
    expect(bench.guard.rests).toBe(true);
  });

  it('rests where one of the failures is that it does not answer', async () => {
    const bench = new Bench();
    for (let at = 0; at < 4; at += 1) await bench.ask(throwing, { source: 1 });
    const asked = bench.ask(() => new Promise(() => undefined), { source: 1 });
    await bench.clock.advance(TIMEOUT_MS);
    expect([await asked, bench.guard.rests]).toEqual(['plugin-timeout', true]);
  });
});

describe('the one question that tries whether it answers again', () => {
  it('is the only one, whatever becomes of older ones', async () => {
    const bench = new Bench(new CircuitBreaker({ failures: 1, restMs: 100, longestRestMs: 400 }));
    const session = new AbortController();
    const never = () => new Promise(() => undefined);
    const cancelled = bench.ask(never, { signal: session.signal });
    let breakLate: (cause: Error) => void = () => undefined;
    const failing = bench.ask(
      () =>
        new Promise((_, reject) => {
          breakLate = reject;
        }),
    );
    await bench.fail(1);
    await bench.clock.advance(100);
    const probe = bench.ask(never);
    session.abort();
    breakLate(new Error('no'));
    expect([await cancelled, await failing]).toEqual(['cancelled', 'plugin-threw']);
    expect(await bench.ask(() => 'yes')).toBe('plugin-resting');
    expect(bench.events('plugin.breaker-opened')).toHaveLength(1);
    await bench.clock.advance(TIMEOUT_MS);
    expect([await probe, bench.events('plugin.breaker-opened').length]).toEqual(['plugin-timeout', 2]);
  });
});

describe('a call that is to return at once', () => {
  it('gives what it returns, and something else when it throws', () => {
    const { guard, log } = new Bench();
    const fail = (): string => {
      throw new Error('no');
    };
    expect([guard.call(() => 'yes', 'no'), guard.call(fail, 'no')]).toEqual(['yes', 'no']);
    expect(log.events('warn')).toEqual(['plugin.failed']);
  });

  it('may turn out to be async: its failure ends nothing', async () => {
    const bench = new Bench();
    bench.guard.tell(async () => Promise.reject(new Error('later')));
    await bench.clock.advance(0);
    expect(bench.log.events('warn')).toEqual(['plugin.failed']);
  });

  it('may throw and return whatever it likes: it ends there', async () => {
    const bench = new Bench();
    const wild: object = Object.defineProperty(new Error('no'), 'name', {
      get: () => {
        throw new Error('again');
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [wild, proxy]) {
      bench.guard.tell(() => {
        throw thrown;
      });
    }
    const answers: object[] = [
      Object.defineProperty({}, 'then', {
        get: () => {
          throw new Error('a getter');
        },
      }),
      {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested.
        then: () => {
          throw new Error('a thenable');
        },
      },
    ];
    for (const answer of answers) bench.guard.tell(() => answer);
    await bench.clock.advance(0);
    expect(bench.events('plugin.failed')).toHaveLength(4);
  });

  it('that promises something instead has failed, and what comes of it ends nothing', async () => {
    const bench = new Bench();
    const later = (): unknown => Promise.reject(new Error('later'));
    expect(bench.guard.call(later, 'no', (one) => one === 'yes')).toBe('no');
    await bench.clock.advance(0);
    expect(bench.events('plugin.failed')).toEqual([{ plugin: 'acme', port: 'session-policy', why: 'plugin-answer' }]);
  });

  it('is noticed when it took long, within a budget', () => {
    const { log, telemetry } = new Bench();
    let now = 0;
    const clock = { now: () => instant(now), schedule: () => () => undefined };
    const guard = new Guard(
      { clock, log, telemetry, timeoutMs: TIMEOUT_MS },
      { name: 'acme', port: 'accounting-sink' },
    );
    const takes = (milliseconds: number): void =>
      guard.tell(() => {
        now += milliseconds;
      });
    for (const milliseconds of [50, 51, 900, 10_000, 60]) takes(milliseconds);
    expect(log.lines.map(({ event, fields }) => [event, fields['milliseconds'], fields['repeated']])).toEqual([
      ['plugin.slow', 51, 0],
      ['plugin.slow', 10_000, 1],
    ]);
    expect(telemetry.events.map(({ name }) => name)).toEqual(Array(4).fill('plugin.slow'));
  });

  it('is noticed in a question, too, which must not hold up everybody before it promises', async () => {
    const { log, telemetry } = new Bench();
    let now = 0;
    const clock = { now: () => instant(now), schedule: () => () => undefined };
    const guard = new Guard({ clock, log, telemetry, timeoutMs: TIMEOUT_MS }, { name: 'acme', port: 'eap-relay' });
    const work = (): string => {
      now += 900;
      return 'yes';
    };
    expect(await guard.ask({ work, fits: () => true })).toBe('yes');
    expect(log.lines).toMatchObject([{ event: 'plugin.slow', fields: { milliseconds: 900 } }]);
  });
});
