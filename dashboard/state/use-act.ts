import { useState } from 'preact/hooks';
import { useDesk } from './desk.ts';

/**
 * Something that changes the gateway: one at a time, and what came of it is told. A dialog that stays open shows itself
 * why it was not done: it covers what is told elsewhere.
 */
export const useAct = (
  from: 'view' | 'dialog' = 'view',
): {
  readonly isBusy: boolean;
  /** Of the last attempt. */
  readonly problem: string | undefined;
  /** Resolves with whether it was done. */
  readonly act: (work: () => Promise<unknown>, done: string) => Promise<boolean>;
} => {
  const { tell } = useDesk();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const act = async (work: () => Promise<unknown>, done: string): Promise<boolean> => {
    if (isBusy) return false;
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
      tell(done, 'good');
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      setProblem(why);
      if (from === 'view') tell(why, 'bad');
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, problem, act };
};
