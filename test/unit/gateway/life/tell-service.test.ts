import { describe, expect, it } from 'vitest';
import type { LifeBody } from '../../../../gateway/life/gateway-life.ts';
import { NO_SERVICE_MANAGER, type ServiceNews } from '../../../../gateway/life/service-manager.ts';
import { TellService } from '../../../../gateway/life/tell-service.ts';
import { testLife } from '../../../support/life.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const bench = (watchdogMs?: number) => {
  const clock = new ManualClock();
  const news: ServiceNews[] = [];
  const state = { sessions: 2, well: true };
  const body: LifeBody = {
    sessions: () => state.sessions,
    isEmpty: () => state.sessions === 0,
    isWell: () => state.well,
    onFewer: () => undefined,
    refuseCalls: () => undefined,
    acceptCalls: () => undefined,
    endTunnels: () => Promise.resolve(),
    prepare: () => Promise.resolve(() => undefined),
  };
  const life = testLife({ clock, body, starting: true });
  const teller = new TellService({ service: { watchdogMs, tell: (one) => news.push(one) }, clock, life });
  return { clock, news, state, life, teller, take: () => news.splice(0) };
};

describe('what the service manager is told', () => {
  it('is that calls are taken, once that is so', () => {
    const { life, take } = bench();
    expect(take()).toEqual([{ STATUS: 'starting' }]);
    life.started();
    expect(take()).toEqual([{ STATUS: 'takes calls; 2 tunnels' }, { READY: 1 }]);
  });

  it('is how many tunnels there are, when that has changed', () => {
    const { life, state, clock, take } = bench();
    life.started();
    take();
    clock.advance(10_000);
    expect(take()).toEqual([]);
    state.sessions = 1;
    clock.advance(10_000);
    expect(take()).toEqual([{ STATUS: 'takes calls; 1 tunnel' }]);
  });

  it('is that it takes its time to stop, again and again', () => {
    const { life, clock, take } = bench();
    life.started();
    take();
    life.drain({ seconds: 100, stop: true }, 'SIGTERM', true);
    expect(take()).toEqual([
      {
        STATUS: expect.stringMatching(
          /^takes no calls; 2 tunnels left, until .* at the latest, then the gateway stops$/,
        ),
      },
      { EXTEND_TIMEOUT_USEC: 60_000_000 },
    ]);
    clock.advance(5_000);
    expect(take()).toEqual([{ EXTEND_TIMEOUT_USEC: 60_000_000 }]);
    life.end();
    expect(take()).toEqual([{ STOPPING: 1 }, { STATUS: 'stopping' }]);
  });

  it('is nothing about an end while it only takes no calls', () => {
    const { life, clock, take } = bench();
    life.started();
    take();
    life.drain({ seconds: 100 }, 'ann');
    expect(take()).toHaveLength(1);
    clock.advance(6_000);
    expect(take()).toEqual([]);
  });

  it('is when it reads its configuration, with the time of the clock that never jumps', () => {
    const { life, teller, take } = bench();
    life.started();
    take();
    teller.reloading();
    teller.reloaded();
    expect(take()).toEqual([
      { RELOADING: 1, MONOTONIC_USEC: expect.any(BigInt) },
      { READY: 1, STATUS: 'takes calls; 2 tunnels' },
    ]);
  });

  it('is that it lives, as often as is wanted, and only while it does what it is there for', () => {
    const { life, clock, state, take } = bench(3_000);
    life.started();
    take();
    clock.advance(1_000);
    clock.advance(1_000);
    expect(take()).toEqual([{ WATCHDOG: 1 }, { WATCHDOG: 1 }]);
    state.well = false;
    clock.advance(1_000);
    expect(take()).toEqual([]);
    // Nobody is there to serve calls, and nobody has to be.
    life.drain({ seconds: 60 }, 'ann');
    take();
    clock.advance(1_000);
    expect(take()).toEqual([{ WATCHDOG: 1 }]);
  });

  it('is not that it lives while it starts: who says so once has to go on, and a start may take its time', () => {
    const { life, clock, take } = bench(3_000);
    clock.advance(9_000);
    expect(take()).toEqual([{ STATUS: 'starting' }]);
    life.started();
    expect(take()).toEqual([{ STATUS: 'takes calls; 2 tunnels' }, { READY: 1 }, { WATCHDOG: 1 }]);
  });

  it('is nothing after the end', () => {
    const { life, clock, teller, take } = bench(3_000);
    life.started();
    teller.stop();
    take();
    clock.advance(60_000);
    expect(take()).toEqual([]);
  });

  it('is nothing, and takes no timer, where there is none', () => {
    const clock = new ManualClock();
    const life = testLife({ clock, starting: true });
    new TellService({ service: NO_SERVICE_MANAGER, clock, life });
    life.started();
    expect(clock.scheduled).toBe(0);
  });
});
