import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

/** Loses GRE packets behind the sockets: nobody is told. */
const LOSSY = `
nft -f - <<'N'
table netdev lossy {
  chain out { type filter hook egress device wan priority 0; ip protocol 47 numgen inc mod 41 7 drop; }
}
table inet lossy {
  chain in { type filter hook input priority 0; ip protocol 47 numgen inc mod 41 11 drop; }
}
N`;

await describeWithLab('a Linux client on a path that loses every 41st packet, both ways', (lab) => {
  test.each(['stateful', 'stateless'] as const)('128 bits, %s: it goes on, and all arrives', async (mode) => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    const env = { PPTP_MPPE_STATEFUL: mode === 'stateful' ? 'prefer' : 'off' };
    const gateway = await lab().startGateway({ stateDirectory, env });
    const client = await lab().guest(mode === 'stateful' ? 'c1' : 'c2');
    const tunnel = await client.mustDial({ ...alice, mppe: mode === 'stateful' ? '128-stateful' : '128' });
    expect(tunnel.mppe).toBe(`128-bit ${mode}`);
    await gateway.waitForLog(event('session.up'));
    await lab().inGateway(LOSSY);
    await client.exec(`ping -q -c 200 -i 0.02 -s 400 -W 1 ${ADDRESSES.intranet}`);
    expect((await lab().inGateway('nft delete table netdev lossy && nft delete table inet lossy')).status).toBe(0);
    // The last of it may have asked for a reset.
    await client.exec(`ping -c 5 -i 0.3 -W 1 ${ADDRESSES.intranet}`);
    expect(await client.must(`ping -c 10 -i 0.1 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    // Both sides lost packets and asked for resets, or neither ever does.
    const log = await client.log();
    for (const what of ['sent [CCP ResetReq', 'rcvd [CCP ResetAck', 'rcvd [CCP ResetReq', 'sent [CCP ResetAck']) {
      expect([what, log.includes(what)]).toEqual([what, mode === 'stateful']);
    }
    await client.hangUp();
    await gateway.stop();
  });
});
