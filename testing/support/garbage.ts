import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collector: (() => void) | undefined;

const collect = (): void => {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('gc');
    setFlagsFromString('--no-expose-gc');
    collector = typeof found === 'function' ? () => void found() : () => undefined;
  }
  collector();
};

const ATTEMPTS = 20;

/** How many of these objects somebody still holds, after the collector has had its turns. */
export const stillHeld = async (references: readonly WeakRef<object>[]): Promise<number> => {
  const held = (): number => references.filter((reference) => reference.deref() !== undefined).length;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // References that were looked at are held until the turn is over.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    if (held() === 0) return 0;
  }
  return held();
};
