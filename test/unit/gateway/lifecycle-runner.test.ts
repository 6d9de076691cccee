import { describe, expect, it } from 'vitest';
import type { Lifecycle } from '../../../core/ports/lifecycle.ts';
import { LifecycleRunner } from '../../../gateway/lifecycle-runner.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const bench = (parts: Readonly<Record<string, Partial<Pick<Lifecycle, 'start' | 'stop'>>>>) => {
  const story: string[] = [];
  const log = new MemoryLog();
  const lives = Object.entries(parts).map(
    ([name, { start, stop }]): Lifecycle => ({
      name,
      start: async (signal) => {
        story.push(`+${name}`);
        await start?.(signal);
      },
      stop: async () => {
        story.push(`-${name}`);
        await stop?.();
      },
    }),
  );
  return { story, log, runner: new LifecycleRunner(lives, log, 20) };
};

const fail = (message: string) => (): Promise<never> => Promise.reject(new Error(message));

describe('starting and stopping the parts of a gateway', () => {
  it('stops in reverse, once, however often it is asked', async () => {
    const { story, runner } = bench({ tun: {}, gre: {}, control: {} });
    await runner.start();
    await Promise.all([runner.stop(), runner.stop()]);
    await runner.stop();
    expect(story).toEqual(['+tun', '+gre', '+control', '-control', '-gre', '-tun']);
  });

  it('stops what was started, the part that failed included, and says why it failed', async () => {
    const { story, runner } = bench({ tun: {}, gre: { start: fail('no GRE here') }, control: {} });
    await expect(runner.start()).rejects.toThrow('no GRE here');
    expect(story).toEqual(['+tun', '+gre', '-gre', '-tun']);
  });

  it('stops the rest when one part fails or dawdles while stopping, and logs it', async () => {
    const { story, log, runner } = bench({ tun: {}, gre: { stop: fail('stuck') }, flow: { stop: () => never() } });
    await runner.start();
    await runner.stop();
    expect(story.slice(3)).toEqual(['-flow', '-gre', '-tun']);
    expect(log.lines.map(({ message }) => message)).toEqual([
      'flow did not stop cleanly: not stopped after 20 ms',
      'gre did not stop cleanly: stuck',
    ]);
  });

  it('starts nothing more once it was told to stop, and leaves nothing started', async () => {
    let goOn = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { story, runner } = bench({ tun: {}, gre: { start: () => slow }, control: {} });
    const starting = runner.start();
    await new Promise((resolve) => setImmediate(resolve));
    const stopping = runner.stop();
    goOn();
    await Promise.all([starting, stopping]);
    expect(story).toEqual(['+tun', '+gre', '-gre', '-tun']);
  });

  it('lets a second stop wait for the first', async () => {
    let done = false;
    const { runner } = bench({
      tun: {
        stop: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          done = true;
        },
      },
    });
    await runner.start();
    void runner.stop();
    await runner.stop();
    expect(done).toBe(true);
  });
});

const never = (): Promise<void> => new Promise(() => undefined);
