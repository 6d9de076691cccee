import { useState } from 'preact/hooks';
import { useDesk } from './desk.ts';

/** Something that changes the gateway: one at a time, and what came of it is told. */
export const useAct = (): {
  readonly isBusy: boolean;
  /** Resolves with whether it was done. */
  readonly act: (work: () => Promise<unknown>, done: string) => Promise<boolean>;
} => {
  const { tell } = useDesk();
  const [isBusy, setBusy] = useState(false);
  const act = async (work: () => Promise<unknown>, done: string): Promise<boolean> => {
    if (isBusy) return false;
    setBusy(true);
    try {
      await work();
      tell(done, 'good');
      return true;
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error), 'bad');
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, act };
};
