import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import { ADDRESSES } from './support/topology.ts';

await describeWithLab('the card of the first start', (lab) => {
  test('the Linux command on it, typed as printed, brings a tunnel to the intranet', async () => {
    const env = { PPTP_LOG_FORMAT: 'auto', PPTP_LISTEN: ADDRESSES.gateway };
    const [gateway, client] = await Promise.all([lab().startGateway({ env }), lab().guest('c1')]);
    const printed = await gateway.waitForLog(({ text }) => /^ {4}Linux {5}pppd /.test(text));
    const command = printed.text.replace(/^ {4}Linux {5}/, '');
    expect(command).toContain(ADDRESSES.gateway);
    await client.must(`setsid ${command} >/run/typed.log 2>&1 </dev/null & echo $! >/run/typed.pid`);
    const up =
      'for i in $(seq 100); do ip -4 addr show ppp0 2>/dev/null | grep -q inet && exit 0; sleep 0.1; done; cat /run/typed.log; exit 1';
    await client.must(up);
    await client.must(`ip route add ${ADDRESSES.intranetNet} dev ppp0`);
    expect(await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    await gateway.stop('SIGTERM');
  });
});
