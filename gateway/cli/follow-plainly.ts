import { EXIT } from './exit.ts';
import type { RunningGateway } from './running-gateway.ts';
import type { CliTerminal } from './terminal.ts';

export interface PlainFollow<T> {
  readonly gateway: RunningGateway;
  readonly terminal: Pick<CliTerminal, 'out' | 'onInterrupt'>;
  readonly path: string;
  /** Names of the events that are shown; undefined: all. */
  readonly events?: readonly string[];
  /** Ends after so many. */
  readonly count?: number;
  /** What is printed for an event. `data` is its JSON as it came. */
  lines(event: string, value: T, data: string): readonly string[];
}

/** Prints what a stream says until it ends, or Ctrl-C; resolves with the exit code. */
export const followPlainly = async <T>(order: PlainFollow<T>): Promise<number> => {
  const { gateway, terminal, path, events, count = Number.POSITIVE_INFINITY, lines } = order;
  const abort = new AbortController();
  let isInterrupted = false;
  const forget = terminal.onInterrupt(() => {
    isInterrupted = true;
    abort.abort();
  });
  let seen = 0;
  try {
    for await (const { event, data } of gateway.follow(path, abort.signal)) {
      if (events !== undefined && !events.includes(event)) continue;
      for (const line of lines(event, JSON.parse(data) as T, data)) terminal.out(line);
      seen += 1;
      if (seen >= count) break;
    }
    return isInterrupted ? EXIT.interrupted : EXIT.done;
  } finally {
    forget();
  }
};
