import { describe, expect, it } from 'vitest';
import { PROFILE } from '../support/link-options.ts';
import { LinkPair } from '../support/link-pair.ts';

const PHASES = ['lcp', 'auth', 'ccp', 'ipcp'].flatMap((phase) => [`${phase} begin`, `${phase} done`]);

describe('a server and a client set a link up', () => {
  it('authenticates, encrypts and assigns addresses without one restart timer', () => {
    const pair = new LinkPair().open().run(500);
    expect(pair.server.phases).toEqual(PHASES);
    expect(pair.client.phases).toEqual(PHASES);
    expect(pair.server.network).toEqual({
      localAddress: PROFILE.localAddress,
      peerAddress: PROFILE.peerAddress,
      dns: PROFILE.dns,
    });
    expect(pair.client.network).toEqual({
      localAddress: PROFILE.peerAddress,
      peerAddress: PROFILE.localAddress,
      dns: PROFILE.dns,
    });
    expect(pair.server.encryption).toMatchObject({ strength: 128, stateless: true });
    expect(pair.client.encryption).toMatchObject({ strength: 128, stateless: true });
    expect(pair.server.encryption?.keys.send).toEqual(pair.client.encryption?.keys.receive);
    expect(pair.server.encryption?.keys.receive).toEqual(pair.client.encryption?.keys.send);
    expect(pair.server.last('framing')?.framing).toEqual({ peerMru: 1400, sendPfc: true, sendAcfc: true });
    expect(pair.server.closed).toBeUndefined();
  });
});
