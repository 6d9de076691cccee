import { useEffect, useState } from 'preact/hooks';
import { useSeen } from './use-seen.ts';
import type { Streamed } from './use-stream.ts';

/** How often the gateway, or who looks, has come back: what was asked once may be another thing since. */
export const useComebacks = ({ state }: Streamed<unknown>): number => {
  const isHere = useSeen() && state === 'live';
  const [times, setTimes] = useState(-1);
  useEffect(() => {
    if (isHere) setTimes((before) => before + 1);
  }, [isHere]);
  return Math.max(0, times);
};
