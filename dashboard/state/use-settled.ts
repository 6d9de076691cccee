import { useEffect, useState } from 'preact/hooks';

/** The value once it has not changed for a while: not every letter that is typed is a question to the gateway. */
export const useSettled = <T>(value: T, ms: number): T => {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
};
