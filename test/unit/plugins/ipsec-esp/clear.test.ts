import { describe, expect, it } from 'vitest';
import { readU16 } from '../../../../core/bytes/bytes.ts';
import { toHex } from '../../../../core/bytes/hex.ts';
import { parseIpNetwork } from '../../../../core/bytes/ip-network.ts';
import type { Ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { fragmentationNeeded } from '../../../../core/wire/icmpv4.ts';
import { onesComplement, sumWords } from '../../../../core/wire/ipv4.ts';
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

describe('an ICMP error of a router behind the gateway', () => {
  const about = (packet: Uint8Array): Uint8Array => fragmentationNeeded(packet, address('10.0.77.1'), 1200);

  it('keeps the header and 8 octets of what is protected, and all of what is not', () => {
    const rig = new EspRig([into, out]);
    const secret = udp(ESP_CLIENT, ESP_HOST, SIP);
    const [told] = rig.outbound(about(secret)).packets;
    expect(told?.length).toBe(20 + 8 + 28);
    expect(told && toHex(told.subarray(28))).toBe(toHex(secret.subarray(0, 28)));
    expect(told && onesComplement(sumWords(told, 0, 20))).toBe(0);
    expect(told && onesComplement(sumWords(told, 20, told.length - 20))).toBe(0);
    expect(told && readU16(told, 26)).toBe(1200);
    const other = about(udp(ESP_CLIENT, address('10.0.99.1'), SIP));
    expect(rig.outbound(other).packets.map(toHex)).toEqual([toHex(other)]);
  });

  it('that is cut off anywhere is no fault', () => {
    const rig = new EspRig([into, out]);
    const error = about(udp(ESP_CLIENT, ESP_HOST, SIP));
    for (let length = 20; length <= error.length; length += 1) {
      const cut = error.slice(0, length);
      cut[2] = 0;
      cut[3] = length;
      expect(rig.outbound(cut).packets[0]?.length).toBe(Math.min(length, 56));
    }
  });
});

it('IKE is between the two ends of the ESP: other addresses inside a tunnel do not speak it in the clear', () => {
  const rig = new EspRig([into, out]);
  const other = address('10.0.0.9');
  expect(rig.inbound(udp(ESP_CLIENT, other, IKE)).drops).toEqual({ policy: 1 });
  expect(rig.outbound(udp(other, ESP_CLIENT, IKE)).packets.map((packet) => packet[9])).toEqual([50]);
});
