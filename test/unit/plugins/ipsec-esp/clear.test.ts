import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { parseIpNetwork } from '../../../../core/bytes/ip-network.ts';
import type { Ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { fragmentIpv4 } from '../../../../core/wire/ipv4-fragment.ts';
import { address } from '../../../support/batches.ts';
import { association } from '../../../support/esp-peer.ts';
import { ESP_CLIENT, ESP_HOST, EspRig } from '../../../support/esp-rig.ts';
import { ipv4Packet } from '../../../support/ipv4-packets.ts';

const UDP = 17;
const networks = ['10.0.0.0/24'].map(parseIpNetwork).filter((one) => one !== undefined);
const into = association(ESP_HOST, { direction: 'in', mode: 'tunnel', networks });
const out = association(ESP_HOST, { direction: 'out', mode: 'tunnel', networks });

const udp = (source: Ipv4, destination: Ipv4, ports: readonly number[], length = 64): Uint8Array => {
  const payload = Uint8Array.from({ length }, (_, i) => i);
  payload.set(ports);
  return ipv4Packet({ source, destination, protocol: UDP, payload, identification: 77 });
};
const SIP = [0x13, 0xc4, 0x13, 0xc4];
const IKE = [1, 0xf4, 1, 0xf4];
const pieces = (packet: Uint8Array) => fragmentIpv4(packet, 44) ?? [];

describe('fragments of UDP', () => {
  it('of a host never go in the clear, in tunnel mode, later ones neither', () => {
    const rig = new EspRig([into, out]);
    const { packets, drops } = rig.outbound(...pieces(udp(ESP_HOST, ESP_CLIENT, SIP)));
    expect(drops).toEqual({});
    expect(packets.map((packet) => packet[9])).toEqual([50, 50, 50]);
  });

  it('are dropped with the first one where there is nothing to seal them with', () => {
    const rig = new EspRig([into]);
    expect(rig.outbound(...pieces(udp(ESP_HOST, ESP_CLIENT, SIP)))).toEqual({ packets: [], drops: { 'no-sa': 3 } });
    expect(rig.inbound(...pieces(udp(ESP_CLIENT, ESP_HOST, SIP)))).toEqual({ packets: [], drops: { policy: 3 } });
  });

  it('of IKE pass, whole datagrams only', () => {
    const rig = new EspRig([into, out]);
    const up = pieces(udp(ESP_CLIENT, ESP_HOST, IKE));
    const down = pieces(udp(ESP_HOST, ESP_CLIENT, IKE));
    expect(rig.inbound(...up).packets.map(toHex)).toEqual(up.map(toHex));
    expect(rig.outbound(...down).packets.map(toHex)).toEqual(down.map(toHex));
  });
});

it('IKE is between the two ends of the ESP: other addresses inside a tunnel do not speak it in the clear', () => {
  const rig = new EspRig([into, out]);
  const other = address('10.0.0.9');
  expect(rig.inbound(udp(ESP_CLIENT, other, IKE)).drops).toEqual({ policy: 1 });
  expect(rig.outbound(udp(other, ESP_CLIENT, IKE)).packets.map((packet) => packet[9])).toEqual([50]);
});
