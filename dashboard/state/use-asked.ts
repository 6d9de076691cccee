import { useCallback, useEffect, useState } from 'preact/hooks';
import { Away, type Client, isFinal, Refused } from '../api/client.ts';

export interface Asked<T> {
  readonly value: T | undefined;
  /** ms: when the value came. */
  readonly at: number | undefined;
  readonly error: Refused | Away | undefined;
  readonly again: () => void;
}

const isKnown = (error: unknown): error is Refused | Away => error instanceof Refused || error instanceof Away;

/**
 * The answer to a GET, asked again every `everyMs` until it is refused for good. What was there stays when the gateway
 * goes away.
 */
export const useAsked = <T>(client: Client, path: string, everyMs: number): Asked<T> => {
  const [now, setNow] = useState<Omit<Asked<T>, 'again'>>({ value: undefined, at: undefined, error: undefined });
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((one) => one + 1), []);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const value = await client.ask<T>('GET', path);
        if (!isOver) setNow({ value, at: Date.now(), error: undefined });
      } catch (cause) {
        const error = isKnown(cause) ? cause : new Away('The answer could not be read.', { cause });
        if (!isOver) setNow((before) => ({ ...before, error }));
        if (error instanceof Refused && isFinal(error)) return;
      }
      if (!isOver) timer = setTimeout(() => void look(), everyMs);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [client, path, everyMs, round]);
  return { ...now, again };
};
