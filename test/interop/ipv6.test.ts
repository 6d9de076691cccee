import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { addUser, alice, event } from './support/users.ts';

const INTRANET6 = 'fd00:77::10';
const ENV = { PPTP_IPV6_POOL: 'fd00:99::/48', PPTP_IPV6_DNS: 'fd00:53::1' };
/** The guests' init turns IPv6 off. */
const IPV6_ON = 'sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0';

await describeWithLab('IPv6 to Linux clients', (lab) => {
  let gateway: GatewayProcess;
  let guests: readonly Guest[];

  test('gives each client a /64 of its own by IPV6CP and router advertisement', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    for (const command of [
      'sysctl -qw net.ipv6.conf.lan.disable_ipv6=0',
      'ip -6 address add fd00:77::1/64 dev lan nodad',
    ]) {
      expect((await lab().inGateway(command)).status).toBe(0);
    }
    for (const command of [
      'sysctl -qw net.ipv6.conf.lan.disable_ipv6=0',
      `ip -6 address add ${INTRANET6}/64 dev lan nodad`,
      'ip -6 route add default via fd00:77::1',
    ]) {
      expect((await lab().intranet(command)).status).toBe(0);
    }
    [gateway, ...guests] = await Promise.all([
      lab().startGateway({ stateDirectory, env: ENV }),
      lab().guest('v6a'),
      lab().guest('v6b'),
    ]);
    for (const [at, guest] of guests.entries()) {
      await guest.must(`${IPV6_ON} net.ipv6.conf.default.accept_ra=2`);
      const up = gateway.waitForLog(
        ({ fields }) => fields['event'] === 'session.ipv6-up' && fields['prefix'] === `fd00:99:0:${at + 1}::/64`,
      );
      await guest.mustDial({ ...alice, pppOptions: ['+ipv6'] });
      await up;
      await guest.must(`until ip -6 address show dev ppp0 | grep -q fd00:99:0:${at + 1}:; do sleep 0.05; done`, {
        timeoutSeconds: 15,
      });
      const route = await guest.must('ip -6 route show default dev ppp0');
      expect(route).toContain('via fe80::');
      expect(route).toMatch(/proto ra/);
    }
  });

  test('they reach the intranet and the intranet them, encrypted', async () => {
    for (const guest of guests) {
      expect(await guest.must(`ping -6 -c 3 -i 0.2 -W 20 ${INTRANET6}`)).toContain(' 0% packet loss');
      const own = (await guest.must("ip -6 -o address show dev ppp0 scope global | awk '{print $4}'")).trim();
      const back = await lab().intranet(`ping -6 -c 3 -i 0.2 -W 2 ${own.split('/')[0]}`);
      expect(back.output).toContain(' 0% packet loss');
    }
  });

  test('they reach each other, and the gateway by both of its addresses', async () => {
    const [first, second] = guests;
    const other = (await second?.must("ip -6 -o address show dev ppp0 scope global | awk '{print $4}'"))?.split('/')[0];
    expect(await first?.must(`ping -6 -c 2 -i 0.2 -W 20 ${other}`)).toContain(' 0% packet loss');
    expect(await first?.must('ping -6 -c 2 -i 0.2 -W 20 fd00:99::1')).toContain(' 0% packet loss');
    const router = (await first?.must("ip -6 route show default dev ppp0 | awk '{print $3; exit}'"))?.trim();
    expect(await first?.must(`ping -6 -c 2 -i 0.2 -W 20 ${router}%ppp0`)).toContain(' 0% packet loss');
  });

  test('large pings arrive once the intranet host has heard what fits', async () => {
    expect(await guests[0]?.must('cat /proc/sys/net/ipv6/conf/ppp0/mtu')).toBe('1396\n');
    // The reply to the first one is answered by a Packet Too Big.
    await guests[0]?.exec(`ping -6 -c 1 -W 1 -s 3000 ${INTRANET6}`);
    expect(await guests[0]?.must(`ping -6 -c 2 -i 0.2 -W 20 -s 3000 ${INTRANET6}`)).toContain(' 0% packet loss');
  });

  test('a client without IPv6 keeps its tunnel and IPv4', async () => {
    const [, second] = guests;
    const closed = gateway.waitForLog(event('session.closed'));
    await second?.hangUp();
    expect((await closed).fields).toMatchObject({ reason: expect.stringMatching(/^peer-/) });
    await second?.mustDial(alice);
    expect(await second?.must('ping -c 2 -i 0.2 -W 20 10.77.0.10')).toContain(' 0% packet loss');
  });

  test('stopping takes the host’s IPv6 back', async () => {
    await gateway.stop();
    const { output } = await lab().inGateway(
      'cat /proc/sys/net/ipv6/conf/all/forwarding; ip -6 route show fd00:99::/48; nft list tables',
    );
    expect(output).toBe('0\n');
  });
});
