import { describe, it } from 'vitest';
import { Judgement, RADIUS_KINDS, RadiusAuthenticator } from '../../plugins/radius/auth/index.ts';
import { RadiusEapRelay } from '../../plugins/radius/relay/index.ts';
import { authenticatorContract, eapRelayContract, FakeClock, MemoryLog, runContract } from '../../testing/index.ts';
import { BENCH_SECRET, radiusClient } from '../support/radius-bench.ts';
import { RadiusUsers } from '../support/radius-users.ts';

const nas = { identifier: 'gw', address: undefined, portType: 5 };
const alice = { userName: 'alice', password: 'wonderland' };

const setUp = () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const server = new RadiusUsers(BENCH_SECRET, { alice });
  const client = radiusClient(server, clock, log);
  return { clock, log, server, client, judgement: new Judgement(log) };
};

runContract(
  authenticatorContract('radius', async () => {
    const { clock, server, client, judgement } = setUp();
    return {
      authenticator: new RadiusAuthenticator(
        { nas, kinds: RADIUS_KINDS, stripDomain: false, passRejected: false },
        { client, judgement },
      ),
      users: [alice],
      secrets: [BENCH_SECRET],
      silence: () => {
        server.instead = () => 'silent';
      },
      clock,
      teardown: async () => client.close(),
    };
  }),
  { describe, it },
);

runContract(
  eapRelayContract('radius', async () => {
    const { clock, server, client, judgement } = setUp();
    return {
      relay: new RadiusEapRelay({ nas, passRejected: false }, { client, judgement }),
      silence: () => {
        server.instead = () => 'silent';
      },
      clock,
      teardown: async () => client.close(),
    };
  }),
  { describe, it },
);
