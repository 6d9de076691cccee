import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { parseIpNetwork } from '../../core/bytes/ip-network.ts';
import { callDemuxStage } from '../../core/datapath/stages/call-demux.stage.ts';
import { MssClampStage } from '../../core/datapath/stages/mss-clamp.stage.ts';
import { RandomCallIds } from '../../core/machine/call-ids.ts';
import { writePptpMessage } from '../../core/wire/pptp-message.ts';
import { CidrPool } from '../../gateway/session/address-pool.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { eapMsChapV2 } from '../../plugins/auth-eap/index.ts';
import { eapMd5 } from '../../plugins/auth-eap/md5.ts';
import { eapTls } from '../../plugins/auth-eap-tls/method.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { addUser, UserFileAuthenticator } from '../../plugins/backend-user-file/index.ts';
import { PipeControl } from '../../plugins/control-pptp/index.ts';
import { IpsecPolicyHook } from '../../plugins/ipsec-policy/hook.ts';
import { LockoutPolicy } from '../../plugins/policy-lockout/index.ts';
import { SessionsPolicy } from '../../plugins/policy-sessions/index.ts';
import {
  addressPoolContract,
  authenticatorContract,
  authMethodContract,
  controlPluginContract,
  eapMethodContract,
  FakeClock,
  ipsecHookContract,
  lockBookContract,
  MemoryLog,
  MemoryUsers,
  runContract,
  seededRandom,
  sessionListenerContract,
  sessionPolicyContract,
  stageContract,
  testFleet,
  testSessions,
} from '../../testing/index.ts';
import { memoryPipe } from '../../testing/lab/memory-pipe.ts';
import { address, silentTelemetry } from '../support/batches.ts';
import { callRequest, startRequest } from '../support/control-rig.ts';
import { tlsEngine } from '../support/eap-tls-files.ts';

/** Our own plug-ins keep to what is asked of those of others. */
const runner = { describe, it };
const alice = { userName: 'alice', password: 'wonderland' };

runContract(
  authenticatorContract('user-file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pptp-users-'));
    const file = join(folder, 'users.json');
    await addUser(file, { name: 'alice', password: alice.password, storePassword: true });
    await addUser(file, { name: 'Zoë', password: 'fünf €', storePassword: true });
    return {
      authenticator: new UserFileAuthenticator(file),
      users: [alice, { userName: 'Zoë', password: 'fünf €' }],
      teardown: () => rm(folder, { recursive: true }),
    };
  }),
  runner,
);

runContract(
  authenticatorContract('memory-users', async () => ({
    authenticator: new MemoryUsers({ alice }),
    users: [alice],
  })),
  runner,
);

for (const method of [papMethod, chapMd5Method, msChapV1Method, msChapV2Method]) {
  runContract(
    authMethodContract(method().name, () => ({ method: method() })),
    runner,
  );
}

for (const method of [eapMd5, eapMsChapV2]) {
  runContract(
    eapMethodContract(method().name, () => ({ method: method() })),
    runner,
  );
}

runContract(
  eapMethodContract('tls', () => ({
    method: eapTls(tlsEngine('server')),
    peer: eapTls(tlsEngine('alice')),
    byPassword: false,
    rounds: 5,
  })),
  runner,
);

runContract(
  addressPoolContract('CidrPool', async () => ({
    pool: new CidrPool({ network: address('10.99.0.0'), prefix: 26, gatewayAddress: address('10.99.0.1') }),
    fixed: address('10.99.0.40'),
    outside: address('10.98.0.40'),
  })),
  runner,
);

runContract(
  stageContract('mss-clamp', () => ({ stage: new MssClampStage({ mtu: 1400 }) })),
  runner,
);
runContract(
  stageContract('call-demux', () => ({
    stage: callDemuxStage({ byCallId: () => undefined, byAddress: () => undefined }, { checkPeerAddress: true }),
  })),
  runner,
);

runContract(
  controlPluginContract('control-pptp on pipes', async () => {
    const clock = new FakeClock();
    const random = seededRandom(3);
    const callIds = new RandomCallIds({ random, now: () => clock.now() });
    const control = new PipeControl({ clock, log: new MemoryLog(), random, callIds }, { role: 'pac' });
    let client = memoryPipe(clock.defer).left;
    let number = 0;
    return {
      control,
      clock,
      place: async () => {
        const pipe = memoryPipe(clock.defer);
        client = pipe.left;
        number += 1;
        const ends = {
          local: address('198.51.100.1'),
          peer: address('203.0.113.9'),
          peerName: `203.0.113.9:${number}`,
        };
        control.attach(pipe.right, ends);
        client.write(writePptpMessage(startRequest()));
        client.write(writePptpMessage(callRequest(number)));
        await clock.advance(100);
      },
      hangUp: async () => {
        client.end();
        await clock.advance(100);
      },
    };
  }),
  runner,
);

const limit = { limit: 1, onLimit: 'refuse', users: new Map() } as const;
const sessionsPolicy = () => new SessionsPolicy(limit, testSessions(), new MemoryLog());
runContract(
  sessionPolicyContract('policy-sessions', async () => ({ policy: sessionsPolicy() })),
  runner,
);
runContract(
  sessionListenerContract('policy-sessions', async () => ({ listener: sessionsPolicy() })),
  runner,
);
const NOON = 1_700_000_000_000;
const lockoutPolicy = () =>
  new LockoutPolicy(
    {
      failures: 3,
      sourceFailures: 10,
      userFailures: 5,
      lockSeconds: 30,
      mostLockSeconds: 3600,
      decaySeconds: 900,
      remembered: 100,
    },
    { fleet: testFleet(), log: new MemoryLog(), telemetry: silentTelemetry, wallClock: { now: () => NOON } },
  );
runContract(
  sessionPolicyContract('policy-lockout', async () => ({ policy: lockoutPolicy() })),
  runner,
);
runContract(
  lockBookContract('policy-lockout', async () => {
    const book = lockoutPolicy();
    return {
      book,
      now: () => NOON,
      guess: (userName, source) => {
        for (let n = 0; n < 10; n += 1) book.tried({ userName, source, at: NOON }, 'bad-credentials');
      },
    };
  }),
  runner,
);

runContract(
  ipsecHookContract('ipsec-policy', () => ({
    hook: new IpsecPolicyHook({
      destinations: [parseIpNetwork('10.0.0.0/24')].filter((network) => network !== undefined),
      users: [],
      rules: [],
      icmp: false,
      dns: false,
    }),
  })),
  runner,
);
