import { useEffect, useState } from 'preact/hooks';
import type { Client, Refused } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import type { StreamState } from '../model/freshness.ts';
import { useSeen } from './use-seen.ts';

export interface Streamed<T> {
  readonly value: T | undefined;
  /** Of which the value is: while another one opens, it is still that of the one before. */
  readonly path: string | undefined;
  /** ms: when the value came. */
  readonly at: number | undefined;
  readonly state: StreamState;
  /** What the gateway has against this stream. */
  readonly error: Refused | undefined;
}

const NEW = { value: undefined, path: undefined, at: undefined, state: 'connecting', error: undefined } as const;

const parsed = <T>(text: string): T | undefined => {
  try {
    const value: T = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
};

/**
 * The newest event `name` of a stream. What was there stays while a stream with another path opens, and when the
 * gateway goes away; `state` and `at` say how old it is. A page that nobody sees follows nothing: a browser has six
 * connections to a place for all of its tabs together.
 */
export const useStream = <T>(client: Client, path: string, name: string): Streamed<T> => {
  const [now, setNow] = useState<Streamed<T>>(NEW);
  const isSeen = useSeen();
  useEffect(() => {
    if (!isSeen) return undefined;
    let state: StreamState = 'connecting';
    let problem: Refused | undefined;
    return follow(client, path, {
      event: ({ event, data }) => {
        if (event !== name) return;
        const value = parsed<T>(data);
        if (value !== undefined) setNow({ value, path, at: Date.now(), state: 'live', error: undefined });
      },
      state: (next, error) => {
        if (next === state && error === problem) return;
        state = next;
        problem = error;
        setNow((before) => ({ ...before, state: next, error }));
      },
    });
  }, [client, path, name, isSeen]);
  return now;
};
