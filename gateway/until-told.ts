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

/** What is told to stop, and takes its time. */
export interface Stoppable {
  drain(order: { readonly stop: true }, by: string, final: true): unknown;
  /** Resolves when it has. */
  readonly over: Promise<void>;
}

export interface ToldOptions {
  /** Undefined: what runs ends with the first signal. */
  readonly life?: Stoppable;
  now?(): number;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/**
 * One wish to stop often comes as several signals: a terminal and npm, or timeout(1), signal a process and its whole
 * group. A signal that comes this soon after the first says nothing new.
 */
const ECHO_MS = 1000;

/** Resolves on the first signal, or when what lives is over; a further signal that is meant ends the process at once. */
export function untilToldToStop(log: Log, { life, now = () => performance.now() }: ToldOptions = {}): End {
  let resolve: (code: number) => void = () => undefined;
  const promise = new Promise<number>((done) => {
    resolve = done;
  });
  void life?.over.then(() => resolve(EXIT.done));
  let toldAt: number | undefined;
  let hurry: () => void = () => undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (toldAt === undefined) {
      toldAt = now();
      if (life === undefined) {
        log.info('gateway.stopping', `${signal}: clearing calls and stopping; send it again to stop at once`);
        resolve(EXIT.done);
      } else life.drain({ stop: true }, signal, true);
    } else if (now() - toldAt >= ECHO_MS) {
      log.warn('gateway.hurried', `${signal} again: the gateway ends at once, without a word to its peers`);
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
