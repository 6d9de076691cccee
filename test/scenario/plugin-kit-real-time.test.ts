import { describe, expect, it } from 'vitest';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { MemoryUsers, TestGateway } from '../../testing/index.ts';

const users = new MemoryUsers({ dora: { password: 'explorer' } });

/** A back-end whose answers take real time, or never come. */
const slow = (milliseconds: number | undefined) =>
  definePlugin({
    name: 'slow',
    api: PLUGIN_API,
    register({ bind }) {
      bind(TOKENS.Authenticator).toConstantValue({
        name: 'slow',
        supports: (kind) => users.supports(kind),
        verify: async (kind, request) => {
          await new Promise((resolve) => {
            if (milliseconds !== undefined) setTimeout(resolve, milliseconds);
          });
          return users.verify(kind, request);
        },
      });
    },
  });
const dora = { user: 'dora', password: 'explorer' };

describe('a gateway in memory whose plug-in takes real time', () => {
  it('waits for its answer, and time stands still meanwhile', async () => {
    const gateway = await TestGateway.start({ plugins: [slow(50)] });
    const before = gateway.clock.now();
    expect((await gateway.dial(dora)).address).toBeDefined();
    expect(gateway.clock.now() - before).toBeLessThan(1_000);
    await gateway.stop();
  });

  it('lets it run into its time-out when it never answers', async () => {
    const gateway = await TestGateway.start({ plugins: [slow(undefined)], patienceMs: 5 });
    const client = await gateway.dial(dora);
    expect(client.address).toBeUndefined();
    expect(client.failure).toMatch(/cannot check users at the moment/);
    expect(gateway.telemetry.events).toContainEqual({
      name: 'plugin.failed',
      attributes: { plugin: 'slow', port: 'authenticator', why: 'plugin-timeout' },
    });
    await gateway.stop();
  });
});
