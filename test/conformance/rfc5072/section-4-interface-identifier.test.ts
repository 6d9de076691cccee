import { describe, expect, it } from 'vitest';
import { type Bits64, bits64 } from '../../../core/bytes/ipv6-address.ts';
import type { LinkOptions, NetworkProfile } from '../../../core/machine/ppp-link-types.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { PROFILE, serverOptions } from '../../support/link-options.ts';
import { LinkPair } from '../../support/link-pair.ts';

const LOCAL = bits64(0x00112233, 0x44556677);
const PREFIX = bits64(0xfd000099, 0x00000001);
const profile = (peer?: Bits64): NetworkProfile => ({
  ...PROFILE,
  ipv6: { prefix: PREFIX, localInterfaceId: LOCAL, ...(peer === undefined ? {} : { peerInterfaceId: peer }) },
});

/** A server with IPv6 whose CCP is open; IPCP and IPV6CP have just begun. */
const encrypted = (given: NetworkProfile = profile(), options: Partial<LinkOptions> = {}): LinkBench => {
  const bench = new LinkBench(serverOptions({ ipv6: true, echoIntervalMs: 0, ...options }));
  bench.toAuthenticated();
  bench.input({ kind: 'authorize', profile: given });
  bench.frame(PPP.ccp, '01 01 000a 1206 01000040');
  bench.acknowledge(PPP.ccp);
  return bench;
};
const IPV6CP = PPP.ipv6cp;
const states = (bench: LinkBench) => bench.all('ipv6').map(({ ipv6 }) => ipv6);
const UP = { localInterfaceId: LOCAL, peerInterfaceId: bits64(0xa, 0xb), prefix: PREFIX };

/** RFC 5072 section 4.1. */
describe('Interface-Identifier', () => {
  it('is the one option of our Configure-Request', () => {
    expect(encrypted().lastRequest(IPV6CP).slice(4)).toEqual(
      Uint8Array.of(1, 10, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77),
    );
  });

  it('another one that is not zero is acknowledged, and IPv6 is up', () => {
    const bench = encrypted();
    expect(bench.frame(IPV6CP, '01 05 000e 010a 0000000a0000000b')).toEqual(['8057 0205000e010a0000000a0000000b']);
    expect(states(bench)).toEqual([]);
    bench.acknowledge(IPV6CP);
    expect(states(bench)).toEqual([UP]);
  });

  it('zero is answered by a Nak with one to use, its u bit clear', () => {
    const [nak = ''] = encrypted().frame(IPV6CP, '01 05 000e 010a 0000000000000000');
    expect(nak).toMatch(/^8057 0305000e010a[0-9a-f]{16}$/);
    const octet = Number.parseInt(nak.slice(17, 19), 16);
    expect(octet & 2).toBe(0);
    expect(nak.slice(17)).not.toBe('0000000000000000');
  });

  it('a collision is answered by a Nak with another one', () => {
    const [nak = ''] = encrypted().frame(IPV6CP, '01 05 000e 010a 0011223344556677');
    expect(nak).toMatch(/^8057 0305000e010a/);
    expect(nak.slice(17)).not.toBe('0011223344556677');
  });

  it('a Nak suggests the same one again and again, the one of the profile if there is one', () => {
    const bench = encrypted(profile(bits64(0, 0x10)));
    for (const identifier of ['05', '06']) {
      expect(bench.frame(IPV6CP, `01 ${identifier} 000e 010a 0000000000000000`)).toEqual([
        `8057 03${identifier}000e010a0000000000000010`,
      ]);
    }
  });

  it('a request without it is answered by a Nak that lists it', () => {
    expect(encrypted().frame(IPV6CP, '01 05 0004')[0]).toMatch(/^8057 0305000e010a/);
  });

  it('what the peer suggests to us is taken', () => {
    const bench = encrypted();
    const identifier = bench.lastRequest(IPV6CP)[1]?.toString(16).padStart(2, '0');
    const [again = ''] = bench.frame(IPV6CP, `03 ${identifier} 000e 010a 00000000000000cc`);
    expect(again.slice(0, 7)).toBe('8057 01');
    expect(again.slice(-16)).toBe('00000000000000cc');
  });

  it('but not when it is what we suggested to the peer: then we choose anew', () => {
    const bench = encrypted();
    const identifier = bench.lastRequest(IPV6CP)[1]?.toString(16).padStart(2, '0');
    const [nak = ''] = bench.frame(IPV6CP, '01 05 000e 010a 0011223344556677');
    const suggested = nak.slice(-16);
    const [again = ''] = bench.frame(IPV6CP, `03 ${identifier} 000e 010a ${suggested}`);
    expect(again.slice(0, 7)).toBe('8057 01');
    expect([suggested, '0011223344556677', '0000000000000000']).not.toContain(again.slice(-16));
  });

  it('after a Configure-Reject it is left out', () => {
    const bench = encrypted();
    const request = bench.lastRequest(IPV6CP).slice();
    request[0] = 4;
    expect(bench.frame(IPV6CP, request)).toEqual([expect.stringMatching(/^8057 01..0004$/)]);
  });

  it('a peer that insists on zero gets no IPv6 and keeps the rest', () => {
    const bench = encrypted();
    bench.frame(PPP.ipcp, '01 01 000a 0306 0a4e010a');
    bench.acknowledge(PPP.ipcp);
    for (let i = 1; i < 9; i += 1)
      bench.frame(IPV6CP, `01 ${i.toString(16).padStart(2, '0')} 000e 010a 0000000000000000`);
    bench.wait(60_000);
    expect(states(bench)).toEqual([]);
    expect(bench.all('note').map(({ event }) => event)).toContain('ipv6cp.not-open');
    expect(bench.all('network')).toHaveLength(1);
    expect(bench.closed).toBeUndefined();
  });

  it('header compression (option 2, RFC 5172) is rejected', () => {
    expect(encrypted().frame(IPV6CP, '01 05 0012 0204 0061 010a 0000000a0000000b')).toEqual(['8057 0405000802040061']);
  });
});

describe('IPV6CP and the rest of the link', () => {
  const up = (): LinkBench => {
    const bench = encrypted();
    bench.frame(PPP.ipcp, '01 01 000a 0306 0a4e010a');
    bench.acknowledge(PPP.ipcp);
    bench.frame(IPV6CP, '01 05 000e 010a 0000000a0000000b');
    bench.acknowledge(IPV6CP);
    return bench;
  };

  it('a Terminate-Request closes IPV6CP alone, and it may begin again', () => {
    const bench = up();
    expect(bench.frame(IPV6CP, '05 09 0004')).toEqual(['8057 06090004']);
    expect(states(bench)).toEqual([UP, undefined]);
    bench.wait(30_000);
    expect(bench.closed).toBeUndefined();
    expect(bench.all('network')).toHaveLength(1);
    bench.frame(IPV6CP, '01 0a 000e 010a 0000000a0000000b');
    bench.acknowledge(IPV6CP);
    expect(states(bench)).toEqual([UP, undefined, UP]);
  });

  it('a Protocol-Reject of it leaves IPCP alone', () => {
    const bench = encrypted();
    bench.frame(PPP.lcp, '08 01 0006 8057');
    bench.frame(PPP.ipcp, '01 01 000a 0306 0a4e010a');
    bench.acknowledge(PPP.ipcp);
    bench.wait(300_000);
    expect(bench.closed).toBeUndefined();
    expect(bench.all('network')).toHaveLength(1);
    expect(bench.all('note').filter(({ event }) => event === 'ipv6cp.not-open')).toHaveLength(1);
  });

  it('a peer that never answers it costs ten requests', () => {
    const bench = encrypted();
    bench.frame(PPP.ipcp, '01 01 000a 0306 0a4e010a');
    bench.acknowledge(PPP.ipcp);
    bench.wait(300_000);
    const sent = bench.all('send').filter(({ protocol }) => protocol === IPV6CP);
    expect(sent).toHaveLength(10);
    expect(bench.closed).toBeUndefined();
  });

  it('it goes down and up again with LCP', () => {
    const bench = up();
    bench.frame(PPP.lcp, '01 02 0012 0104 0578 0506 01020305 0702 0802');
    expect(states(bench)).toEqual([UP, undefined]);
  });

  it('an early request is kept until its turn', () => {
    const bench = new LinkBench(serverOptions({ ipv6: true, echoIntervalMs: 0 }));
    bench.toAuthenticated();
    bench.frame(IPV6CP, '01 05 000e 010a 0000000a0000000b');
    bench.input({ kind: 'authorize', profile: profile() });
    bench.frame(PPP.ccp, '01 01 000a 1206 01000040');
    const sent = bench.acknowledge(PPP.ccp);
    expect(sent).toContain('8057 0205000e010a0000000a0000000b');
  });

  it('it is rejected when IPv6 is off, when the session has no prefix, and when 1280 octets do not fit the peer', () => {
    const request = '01 05 000e 010a 0000000a0000000b';
    const rejected = [expect.stringMatching(/^c021 08..00148057/)];
    expect(encrypted(profile(), { ipv6: false }).frame(IPV6CP, request)).toEqual(rejected);
    expect(encrypted(PROFILE).frame(IPV6CP, request)).toEqual(rejected);
    const small = new LinkBench(serverOptions({ ipv6: true }));
    small.open();
    small.frame(PPP.lcp, '01 01 0012 0104 0503 0506 01020304 0702 0802');
    small.acknowledge(PPP.lcp);
    small.frame(PPP.chap, '02 612f62');
    small.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    small.input({ kind: 'authorize', profile: profile() });
    small.frame(PPP.ccp, '01 01 000a 1206 01000040');
    small.acknowledge(PPP.ccp);
    expect(small.frame(IPV6CP, request)).toEqual(rejected);
  });
});

describe('both ends are ours', () => {
  it('they agree on two different identifiers, on any path', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const pair = new LinkPair({
        server: { ipv6: true },
        client: { ipv6: true },
        path: { duplication: 0.3, jitterMs: 200 },
        seed,
        profile: profile(),
      })
        .open()
        .run(120_000);
      const [server, client] = [pair.server.last('ipv6')?.ipv6, pair.client.last('ipv6')?.ipv6];
      expect(server?.localInterfaceId).toEqual(LOCAL);
      expect(client?.peerInterfaceId).toEqual(LOCAL);
      expect(client?.localInterfaceId).toEqual(server?.peerInterfaceId);
      expect(client?.localInterfaceId).not.toEqual(LOCAL);
    }
  });
});
