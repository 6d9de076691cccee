import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';
import { EXIT } from './exit.ts';
import { FullScreen, keysOf, type ScreenLine } from './full-screen.ts';
import type { RunningGateway } from './running-gateway.ts';
import type { CliTerminal, Screen } from './terminal.ts';
import { safeText } from './text.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What a full-screen view shows of a stream. */
export interface LiveView<T> {
  /** Name of the events that it shows. */
  readonly event: string;
  /** The stream for this size; another one than before makes the connection anew. */
  path(size: Size): string;
  show(data: T): void;
  key(key: string): void;
  /** `trouble`: why nothing new comes. */
  lines(size: Size, trouble: string | undefined): readonly ScreenLine[];
}

const RETRY_MS = 1000;
const CTRL_C = '\u0003';
const ESCAPE = '\u001b';

/** Rejects when `signal` comes first. */
export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
const realPause: Pause = (milliseconds, signal) => sleep(milliseconds, undefined, { signal });

interface LiveParts {
  readonly gateway: RunningGateway;
  readonly terminal: Pick<CliTerminal, 'onInterrupt'>;
  readonly screen: Screen;
  readonly pause?: Pause;
}

/**
 * Shows a stream until q or Ctrl-C; resolves with the exit code. A gateway that goes away later on is waited for; rejects
 * when there is none to begin with. The terminal is left as it was in every case.
 */
export const runLive = async <T>(view: LiveView<T>, parts: LiveParts): Promise<number> => {
  const { gateway, terminal, screen, pause = realPause } = parts;
  const full = new FullScreen(screen);
  let end: number | undefined;
  let trouble: string | undefined;
  let isEntered = false;
  let abort = new AbortController();
  let path = view.path(screen);

  const draw = (): void => {
    if (isEntered && end === undefined) full.draw(view.lines(screen, trouble));
  };
  const follow = (): void => {
    const next = view.path(screen);
    if (next !== path) abort.abort();
    path = next;
    draw();
  };
  const finish = (code: number): void => {
    end ??= code;
    abort.abort();
  };
  const typed = (text: string): void => {
    for (const key of keysOf(text)) {
      if (key === CTRL_C) finish(EXIT.interrupted);
      else if (key === 'q' || key === 'Q' || (key === ESCAPE && text === ESCAPE)) finish(EXIT.done);
      else view.key(key);
    }
    if (end === undefined) follow();
  };
  let detach: () => void = () => undefined;
  const enter = (): void => {
    if (isEntered) return;
    isEntered = true;
    detach = screen.attach({ key: typed, resized: follow });
    full.enter();
  };

  const forget = terminal.onInterrupt(() => finish(EXIT.interrupted));
  try {
    while (end === undefined) {
      abort = new AbortController();
      const { signal } = abort;
      try {
        for await (const { event, data } of gateway.follow(path, signal)) {
          if (event !== view.event) continue;
          trouble = undefined;
          view.show(JSON.parse(data) as T);
          enter();
          follow();
        }
        // Ended here, for another path.
        if (!signal.aborted) trouble = 'the gateway has ended the stream';
      } catch (error) {
        if (!isEntered || !(error instanceof GatewayError)) throw error;
        trouble = safeText(error.message);
      }
      if (!signal.aborted) {
        draw();
        await pause(RETRY_MS, signal).catch(() => undefined);
      }
    }
    return end;
  } finally {
    forget();
    detach();
    if (isEntered) full.leave();
  }
};
