import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type DescriptorPipe, type OwnDescriptor, openDescriptorPipe } from './descriptor-pipe.ts';
import type { SupervisorMessage } from './messages.ts';

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why there was never a process. */
  readonly error?: string;
}

export interface ProcessEvents {
  /** `handle`: what came along with it, such as a socket. */
  message(value: unknown, handle?: unknown): void;
  /** Once, and the last. */
  ended(end: ProcessEnd): void;
}

/** A worker, as its supervisor sees the process. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /**
   * A socket goes along in its own right: the sender keeps its copy. `failed` runs when the message cannot be delivered;
   * a process that ends meanwhile only tells that it has ended. `sent`: it is on its way, and the copy may be closed.
   */
  send(message: SupervisorMessage, socket?: Socket, failed?: () => void, sent?: () => void): void;
  /** At once, without its doing. */
  kill(): void;
  /** Those that it has sent, which are the caller's from now on. Throws what the system says. */
  descriptors?(): readonly OwnDescriptor[];
}

/** May throw what the system says when it has no room for a process. `inherited` are descriptors that it gets copies of. */
export type ForkWorker = (events: ProcessEvents, inherited?: readonly number[]) => WorkerProcess;

/** Where a worker finds the way for its own descriptors, and the first of those that it inherits. */
export const DESCRIPTORS_AT = 4;
export const INHERITED_AT = 5;

/** Beside this file, built or not. */
const entry = fileURLToPath(
  new URL(`./worker-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/**
 * Starts a worker process, with the environment that the supervisor was started with: OpenTelemetry changes it. What else it
 * needs to know it is told by message: nothing is on its command line.
 */
export const forkWorker = (
  env: NodeJS.ProcessEnv,
  events: ProcessEvents,
  inherited: readonly number[] = [],
): WorkerProcess => {
  const pipe = openDescriptorPipe();
  const child = forkWith(env, pipe, inherited);
  let over = false;
  const end = (how: ProcessEnd): void => {
    if (over) return;
    over = true;
    pipe?.end();
    events.ended(how);
  };
  child.on('message', (value: unknown, handle: unknown) => events.message(value, handle));
  child.on('exit', (code, signal) => end({ code, signal }));
  // It could not be started, or not be told something; an exit follows only if there was a process.
  child.on('error', ({ message }) => {
    if (child.pid === undefined) end({ code: null, signal: null, error: message });
  });
  return {
    pid: child.pid,
    send: (message, socket, failed = () => undefined, done = () => undefined) => {
      const sent = (error: Error | null): void => (error === null ? done() : failed());
      try {
        if (socket === undefined) child.send(message, sent);
        else child.send(message, socket, { keepOpen: true }, sent);
      } catch {
        failed();
      }
    },
    kill: () => void child.kill('SIGKILL'),
    descriptors: () => pipe?.receive() ?? [],
  };
};

const forkWith = (
  env: NodeJS.ProcessEnv,
  pipe: DescriptorPipe | undefined,
  inherited: readonly number[],
): ReturnType<typeof fork> => {
  try {
    return fork(entry, [], {
      env,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', pipe?.childEnd ?? 'ignore', ...inherited],
    });
  } catch (cause) {
    pipe?.end();
    throw cause;
  } finally {
    pipe?.forked();
  }
};
