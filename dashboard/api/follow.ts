import type { StreamState } from '../model/freshness.ts';
import { backoffMs } from './backoff.ts';
import { type Client, isFinal, Refused } from './client.ts';
import { EventParser, type ServerEvent } from './sse.ts';

export interface Follower {
  event(event: ServerEvent): void;
  /** `error`: what the gateway has against it. */
  state(state: StreamState, error?: Refused): void;
}

/** A stream that says something each second and is silent for so long is dead. */
const SILENCE_MS = 10_000;

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      window.removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    window.addEventListener('online', done);
  });

const read = async (client: Client, path: string, signal: AbortSignal, follower: Follower): Promise<void> => {
  const silent = new AbortController();
  const either = AbortSignal.any([signal, silent.signal]);
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const reader = (await client.open(path, either)).getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        follower.state('live');
        follower.event(event);
      }
    }
  } finally {
    clearTimeout(timer);
  }
};

/** Follows a stream of events, and begins again whenever it breaks. Returns how to end it. */
export const follow = (client: Client, path: string, follower: Follower): (() => void) => {
  const { signal, abort } = ((controller) => ({ signal: controller.signal, abort: () => controller.abort() }))(
    new AbortController(),
  );
  const run = async (): Promise<void> => {
    let attempt = 0;
    const heard: Follower = {
      state: (state) => {
        attempt = 0;
        follower.state(state);
      },
      event: (event) => follower.event(event),
    };
    while (!signal.aborted) {
      let refused: Refused | undefined;
      try {
        await read(client, path, signal, heard);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) {
          if (isFinal(error)) return follower.state('away', error);
          refused = error;
        }
      }
      if (signal.aborted) return;
      follower.state('away', refused);
      await pause(backoffMs(attempt, Math.random(), refused?.waitMs), signal);
      attempt += 1;
    }
  };
  void run();
  return abort;
};
