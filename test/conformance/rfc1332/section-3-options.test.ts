import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { clientOptions, PROFILE, serverOptions } from '../../support/link-options.ts';

const server = (profile = PROFILE): LinkBench => {
  const link = new LinkBench(serverOptions({ encryption: 'disabled' })).toAuthenticated();
  link.input({ kind: 'authorize', profile });
  return link;
};
const client = (): LinkBench => new LinkBench(clientOptions({ authMethods: [], encryption: 'disabled' })).toLcpOpened();

describe('RFC 1332 section 3, a server', () => {
  it('tells its own address and nothing else', () => {
    const link = new LinkBench(serverOptions({ encryption: 'disabled' })).toAuthenticated();
    expect(link.input({ kind: 'authorize', profile: PROFILE })).toEqual(['8021 0101000a03060a4e0101']);
  });
  it('3.3: naks any other address with the assigned one and prompts for a missing one', () => {
    expect(server().frame(PPP.ipcp, '01 01 000a 0306 00000000')).toEqual(['8021 0301000a03060a4e010a']);
    expect(server().frame(PPP.ipcp, '01 01 000a 0306 c0a80105')).toEqual(['8021 0301000a03060a4e010a']);
    expect(server().frame(PPP.ipcp, '01 01 0004')).toEqual(['8021 0301000a03060a4e010a']);
    expect(server().frame(PPP.ipcp, '01 01 000a 0306 0a4e010a')).toEqual(['8021 0201000a03060a4e010a']);
  });
  it('3.1, 3.2: rejects IP-Addresses and header compression', () => {
    const request = '01 01 0014 010a 00000000 00000000 0206 002d 0f01';
    expect(server().frame(PPP.ipcp, request)).toEqual(['8021 04010014010a00000000000000000206002d0f01']);
  });
  it('ends with a reason when the peer insists on another address', () => {
    const link = server();
    for (let i = 0; i < 6; i += 1) link.frame(PPP.ipcp, '01 01 000a 0306 c0a80105');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({
      reason: 'negotiation-failed',
      detail: 'the peer insists on 192.168.1.5; its address is 10.78.1.10',
    });
  });
  it('lets a peer be that never names an address', () => {
    const link = server();
    for (let i = 0; i < 5; i += 1) link.frame(PPP.ipcp, '01 01 0004');
    expect(link.frame(PPP.ipcp, '01 01 0004')).toEqual(['8021 02010004']);
  });
  it('leaves its own address out when the peer rejects it', () => {
    const link = server();
    expect(link.frame(PPP.ipcp, '04 01 000a 0306 0a4e0101')).toEqual(['8021 01020004']);
  });
  it('does not let the peer choose the address of the server', () => {
    const link = server();
    expect(link.frame(PPP.ipcp, '03 01 000a 0306 0a4e0163')).toEqual(['8021 0102000a03060a4e0101']);
  });
});

describe('RFC 1877, name servers', () => {
  it('are given to a peer that asks, and rejected where there are none', () => {
    const asking = '01 01 001c 8106 00000000 8206 00000000 8306 00000000 8406 00000000';
    expect(server().frame(PPP.ipcp, asking)).toEqual(['8021 04010010820600000000840600000000']);
    const both = '01 02 0010 8106 00000000 8306 00000000';
    expect(server().frame(PPP.ipcp, both)).toEqual(['8021 0302001681060a00003583060a00003603060a4e010a']);
    const wins = { ...PROFILE, dns: [], wins: [ipv4(0x0a000001)] };
    expect(server(wins).frame(PPP.ipcp, '01 02 0010 0306 0a4e010a 8206 00000000')).toEqual([
      '8021 0302000a82060a000001',
    ]);
  });
});

describe('RFC 1332 section 3.3, a client', () => {
  it('asks for 0.0.0.0 and two name servers, takes what it is given, drops what is rejected', () => {
    const link = client();
    expect(link.all('send').at(-1)?.bytes).toEqual(
      Uint8Array.of(1, 1, 0, 22, 3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0),
    );
    expect(link.frame(PPP.ipcp, '04 01 000a 8306 00000000')).toEqual(['8021 01020010030600000000810600000000']);
    expect(link.frame(PPP.ipcp, '03 02 0010 0306 0a4e010a 8106 0a000035')).toEqual([
      '8021 0103001003060a4e010a81060a000035',
    ]);
    link.acknowledge(PPP.ipcp);
    link.frame(PPP.ipcp, '01 01 000a 0306 0a4e0101');
    expect(link.all('network').at(-1)?.network).toEqual({
      localAddress: PROFILE.peerAddress,
      peerAddress: PROFILE.localAddress,
      dns: [ipv4(0x0a000035)],
    });
  });
  it('ends when it gets no address', () => {
    const rejected = client();
    rejected.frame(PPP.ipcp, '04 01 000a 0306 00000000');
    expect(rejected.phases.at(-1)).toBe('ipcp failed no-address');
    const zero = client();
    zero.frame(PPP.ipcp, '01 01 000a 0306 0a4e0101');
    zero.acknowledge(PPP.ipcp);
    expect(zero.phases.at(-1)).toBe('ipcp failed no-address');
  });
});
