import type { Log } from '../core/ports/log.ts';
import { EXIT } from './cli.ts';

export interface End {
  /** Resolves with the exit code. */
  readonly promise: Promise<number>;
  /** A device failed for good. */
  fail(device: string, cause: unknown): void;
  /** `listener` runs before the process ends at once because it was told twice. */
  onHurry(listener: () => void): void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/**
 * One wish to stop often comes as several signals: a terminal and npm, or timeout(1), signal a process and its whole
 * group. A signal that comes this soon after the first says nothing new.
 */
const ECHO_MS = 1000;

/** Resolves on the first signal; another one that is meant ends the process at once. */
export function untilToldToStop(log: Log, now: () => number = () => performance.now()): End {
  let resolve: (code: number) => void = () => undefined;
  const promise = new Promise<number>((done) => {
    resolve = done;
  });
  let toldAt: number | undefined;
  let hurry: () => void = () => undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (toldAt === undefined) {
      toldAt = now();
      log.info('gateway.stopping', `${signal}: clearing calls and stopping; send it again to stop at once`);
      resolve(EXIT.done);
    } else if (now() - toldAt >= ECHO_MS) {
      hurry();
      process.exit(EXIT.failed);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    promise,
    fail(device, cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.error('device.died', `${device} failed for good and the gateway cannot go on without it: ${reason}`);
      resolve(EXIT.failed);
    },
    onHurry(listener) {
      hurry = listener;
    },
  };
}
