import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { SupervisorMessage } from './messages.ts';

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why there was never a process. */
  readonly error?: string;
}

export interface ProcessEvents {
  message(value: unknown): void;
  /** Once, and the last. */
  ended(end: ProcessEnd): void;
}

/** A worker, as its supervisor sees the process. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /**
   * A socket goes along in its own right: the sender keeps its copy. `failed` runs when the message cannot be delivered;
   * a process that ends meanwhile only tells that it has ended.
   */
  send(message: SupervisorMessage, socket?: Socket, failed?: () => void): void;
  /** At once, without its doing. */
  kill(): void;
}

/** May throw what the system says when it has no room for a process. */
export type ForkWorker = (events: ProcessEvents) => WorkerProcess;

/** Beside this file, built or not. */
const entry = fileURLToPath(
  new URL(`./worker-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/**
 * Starts a worker process, with the environment that the supervisor was started with: OpenTelemetry changes it. What else it
 * needs to know it is told by message: nothing is on its command line.
 */
export const forkWorker = (env: NodeJS.ProcessEnv, events: ProcessEvents): WorkerProcess => {
  const child = fork(entry, [], {
    env,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let over = false;
  const end = (how: ProcessEnd): void => {
    if (over) return;
    over = true;
    events.ended(how);
  };
  child.on('message', (value: unknown) => events.message(value));
  child.on('exit', (code, signal) => end({ code, signal }));
  // It could not be started, or not be told something; an exit follows only if there was a process.
  child.on('error', ({ message }) => {
    if (child.pid === undefined) end({ code: null, signal: null, error: message });
  });
  return {
    pid: child.pid,
    send: (message, socket, failed = () => undefined) => {
      const sent = (error: Error | null): void => {
        if (error !== null) failed();
      };
      try {
        if (socket === undefined) child.send(message, sent);
        else child.send(message, socket, { keepOpen: true }, sent);
      } catch {
        failed();
      }
    },
    kill: () => void child.kill('SIGKILL'),
  };
};
