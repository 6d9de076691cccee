import { createServer, type Server } from 'node:net';
import { expect, it } from 'vitest';
import { exclusively } from '../../../../plugins/host-network-linux/host-lock.ts';

const name = (test: string): string => `\0pptp-gateway-test-${process.pid}-${test}`;

const heldBy = (held: string): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer().listen(held, () => resolve(server));
  });

it('lets one after the other do its work, also when one fails', async () => {
  const said: string[] = [];
  const work = (who: string, fails: boolean) =>
    exclusively(
      async () => {
        said.push(`${who} begins`);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        said.push(`${who} ends`);
        if (fails) throw new Error(who);
        return who;
      },
      60_000,
      name('turns'),
    );
  const all = await Promise.allSettled([work('a', false), work('b', true), work('c', false)]);
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(said).toHaveLength(6);
  for (let i = 0; i < 6; i += 2) expect(said[i + 1]).toBe(said[i]?.replace('begins', 'ends'));
});

it('goes on without its turn when a stranger does not let go', async () => {
  const stranger = await heldBy(name('stranger'));
  expect(await exclusively(async () => 'done', 50, name('stranger'))).toBe('done');
  stranger.close();
});
