import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, Netns, netnsUnavailable, runInside } from '../support/netns.ts';

const reason = netnsUnavailable();

/*
 *   gateway namespace                     peer namespace
 *   lo  10.200.0.1, .2, .3 (contract)
 *   gw0 10.201.0.1, 10.201.0.2 ---------- peer0 10.201.0.9
 */
describe.skipIf(reason !== undefined)(
  `GRE over raw-socket in network namespaces${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let gateway: Netns;
    let peer: Netns;
    beforeAll(() => {
      gateway = new Netns('grea');
      peer = new Netns('greb');
      connect(
        { ns: gateway, device: 'gw0', addresses: ['10.201.0.1/24', '10.201.0.2/24'] },
        { ns: peer, device: 'peer0', addresses: ['10.201.0.9/24'] },
      );
    });
    afterAll(() => {
      gateway.destroy();
      peer.destroy();
    });

    it('passes the contract suite and its own cases', async () => {
      const result = await runInside(gateway, 'io-raw-gre.inside.ts', { PEER_NETNS: peer.name });
      expect(result.failures).toEqual([]);
      expect(result.passed).toBe(15);
    });
  },
);
