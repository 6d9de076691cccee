import { describe, expect, it } from 'vitest';
import { writeIpv4Checksum } from '../../core/wire/ipv4.ts';
import { arrived } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('192.0.2.80');
/** PPTP_MRU 1400 less the MPPE header and the inner protocol field. */
const TUN_MTU = 1396;
const OUTER_MTU = 1500;
const UDP = 17;

const received = (tun: LabPeer['tun'] | GatewayLab['tun']): number[] => arrived(tun).map(({ length }) => length);

describe('a full-size packet through MPPE', () => {
  it.each([1400, 1500])('passes both ways and fits the outer path, with a peer whose MRU is %i', async (mru) => {
    const lab = await GatewayLab.start();
    const client = await lab.connect({ link: { mru } });
    const payload = new Uint8Array(TUN_MTU - 20);
    const down = ipv4Packet({ source: HOST, destination: client.address, protocol: UDP, payload });
    const up = ipv4Packet({ source: client.address, destination: HOST, protocol: UDP, payload });
    expect([lab.tun.hostSends(down), client.tun.hostSends(up)]).toEqual([true, true]);
    await lab.clock.advance(100);
    expect([received(client.tun), received(lab.tun)]).toEqual([[TUN_MTU], [TUN_MTU]]);
    const largest = Math.max(...lab.wire.seen.map(({ bytes }) => bytes.length + 20));
    expect(largest).toBeGreaterThan(TUN_MTU);
    expect(largest).toBeLessThanOrEqual(OUTER_MTU);
    await lab.stop();
  });

  it('with DF is dropped once, by name, when the MRU of the peer is smaller; what fits it passes', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect({ link: { mru: 1000 } });
    for (const size of [996, 997]) {
      const payload = new Uint8Array(size - 20);
      const packet = ipv4Packet({ source: HOST, destination: client.address, protocol: UDP, payload });
      packet[6] = 0x40;
      writeIpv4Checksum(packet, 0);
      lab.tun.hostSends(packet);
    }
    await lab.clock.advance(100);
    expect(received(client.tun)).toEqual([996]);
    expect([...lab.telemetry.drops]).toEqual([['mtu out too-big', 1]]);
    await lab.stop();
  });
});
