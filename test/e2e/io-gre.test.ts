import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, Netns, netnsUnavailable, runInside } from '../support/netns.ts';
import { loadAddon } from '../unit/native/addon.ts';
import { DRIVERS } from './inside/gre-drivers.ts';

const reason = netnsUnavailable('nft', 'tc');

/*
 *   gateway namespace                     peer namespace
 *   lo  10.200.0.1, .2, .3 (contract)
 *   gw0 10.201.0.1, 10.201.0.2 ---------- peer0 10.201.0.9
 */
describe.skipIf(reason !== undefined).each(Object.keys(DRIVERS))(
  `GRE over %s in network namespaces${reason ? ` (skipped: ${reason})` : ''}`,
  (driver) => {
    let gateway: Netns;
    let peer: Netns;
    beforeAll(() => {
      loadAddon();
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
      const result = await runInside(gateway, 'io-gre.inside.ts', { PEER_NETNS: peer.name, GRE_DRIVER: driver });
      expect(result.failures).toEqual([]);
      expect(result.passed).toBe(driver === 'batch' ? 28 : 21);
    });
  },
);
