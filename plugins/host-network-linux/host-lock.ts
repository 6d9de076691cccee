import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the abstract name space: of one network namespace, and free again when its holder dies. */
const NAME = '\0pptp-gateway-host-network';
const RETRY_MS = 25;

const tryLock = (name: string): Promise<(() => Promise<void>) | undefined> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(name, () => {
      // Whoever connects may fail to be accepted, without descriptors for example: that is no end of the lock.
      server.on('error', () => undefined);
      resolve(() => new Promise((freed) => server.close(() => freed())));
    });
  });

/**
 * Does `work` while no other gateway of this network namespace does the like: what one of them finds on the host and what
 * it makes of it must not be divided by another. Who does not get its turn in `patienceMs` goes on without: a stranger
 * that holds the name must not keep a gateway from starting or stopping.
 */
export const exclusively = async <T>(work: () => Promise<T>, patienceMs = 15_000, name = NAME): Promise<T> => {
  let unlock = await tryLock(name);
  for (let waited = 0; unlock === undefined && waited < patienceMs; waited += RETRY_MS) {
    await sleep(RETRY_MS);
    unlock = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await unlock?.();
  }
};
