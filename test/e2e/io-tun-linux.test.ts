import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Netns, netnsUnavailable, ROOT, runInside } from '../support/netns.ts';

const built = existsSync(join(ROOT, 'native', 'build', 'Release', 'pptp_native.node'));
const reason = netnsUnavailable() ?? (built ? undefined : 'the native addon is not built (npm run build:native)');

describe.skipIf(reason !== undefined)(
  `TUN device in a network namespace${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let host: Netns;
    beforeAll(() => {
      host = new Netns('tun');
    });
    afterAll(() => host.destroy());

    it('passes the contract suite and its own cases', async () => {
      const result = await runInside(host, 'io-tun-linux.inside.ts');
      expect(result.failures).toEqual([]);
      expect(result.passed).toBe(20);
    });

    it('carries TCP and UDP whole with offloads at both ends and at one', async () => {
      const far = new Netns('tunf');
      try {
        const result = await runInside(host, 'io-tun-offloads.inside.ts', { PPTP_TEST_FAR: far.name });
        expect(result.failures).toEqual([]);
        expect(result.passed).toBeGreaterThanOrEqual(18);
      } finally {
        far.destroy();
      }
    });
  },
);
