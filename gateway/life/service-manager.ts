import type { Log } from '../../core/ports/log.ts';
import type { NativeNotify } from '../../native/notify.d.ts';
import { loadAddonWith } from '../../plugins/native-addon/load-addon.ts';

/** What may be told, by the names of sd_notify(3). */
export interface ServiceNews {
  readonly READY?: 1;
  readonly RELOADING?: 1;
  readonly STOPPING?: 1;
  readonly WATCHDOG?: 1;
  /** One line. */
  readonly STATUS?: string;
  readonly MAINPID?: number;
  /** Of the clock that never jumps, in microseconds; with RELOADING. */
  readonly MONOTONIC_USEC?: bigint;
  readonly EXTEND_TIMEOUT_USEC?: number;
}

/** The service manager that started this process, if one did that wants to know how it is. */
export interface ServiceManager {
  /** How often it wants to hear WATCHDOG, at the least, in ms; undefined: it does not watch. */
  readonly watchdogMs: number | undefined;
  /** Never throws; what cannot be sent is logged once. */
  tell(news: ServiceNews): void;
}

/** Nobody wants to know. */
export const NO_SERVICE_MANAGER: ServiceManager = { watchdogMs: undefined, tell: () => undefined };

type Environment = Record<string, string | undefined>;

const NAMES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

const messageOf = (news: ServiceNews): string =>
  Object.entries(news)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\n', ' ')}\n`)
    .join('');

const watchdogMs = ({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid }: Environment): number | undefined => {
  const microseconds = Number(usec ?? '');
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return undefined;
  return pid === undefined || pid === '' || Number(pid) === process.pid ? microseconds / 1000 : undefined;
};

/**
 * Takes the names of sd_notify out of `env`, so that no child tells in this process' place. Without NOTIFY_SOCKET
 * nothing is loaded and nothing is sent.
 */
export const serviceManagerOf = (env: Environment, log: Log): ServiceManager => {
  const socket = env['NOTIFY_SOCKET'];
  const watchdog = watchdogMs(env);
  for (const name of NAMES) delete env[name];
  if (socket === undefined || socket === '') return NO_SERVICE_MANAGER;
  let failed = false;
  const fail = (cause: unknown): void => {
    if (failed) return;
    failed = true;
    const why = cause instanceof Error ? cause.message : String(cause);
    log.warn('service.unheard', `the service manager at NOTIFY_SOCKET cannot be told: ${why}`);
  };
  let addon: NativeNotify | undefined;
  try {
    addon = loadAddonWith<NativeNotify>(['notify']);
  } catch (cause) {
    fail(cause);
  }
  return {
    watchdogMs: watchdog,
    tell(news) {
      try {
        addon?.notify(socket, Buffer.from(messageOf(news)));
      } catch (cause) {
        fail(cause);
      }
    },
  };
};
