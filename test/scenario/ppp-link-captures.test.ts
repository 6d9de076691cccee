import { describe, expect, it } from 'vitest';
import { readU32 } from '../../core/bytes/bytes.ts';
import { toHex } from '../../core/bytes/hex.ts';
import { formatIpv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PPP } from '../../core/wire/ppp.ts';
import {
  CODE,
  encodeConfigPacket,
  encodeOptions,
  parseConfigPacket,
  parseOptions,
} from '../../core/wire/ppp-config.ts';
import { LinkBench } from '../support/link-bench.ts';
import { clientOptions, PROFILE, serverOptions } from '../support/link-options.ts';
import { type CapturedFrame, readPptpCapture } from '../support/pptp-capture.ts';

const CAPTURES = [
  'pptpd-pap-none',
  'pptpd-chap-none',
  'pptpd-mschap-none',
  'pptpd-mschap-v2-none',
  'pptpd-eap-none',
  'pptpd-mschap-v2-40',
  'pptpd-mschap-v2-128',
  'pptpd-mschap-128',
  'accel-ppp-chap-none',
  'accel-ppp-mschap-v2-128',
] as const;
const NEGOTIATED: readonly number[] = [PPP.lcp, PPP.ccp, PPP.ipcp, PPP.ipv6cp];

const requests = (name: string, from: CapturedFrame['from'], protocol: number): Uint8Array[] =>
  readPptpCapture(name)
    .filter((frame) => frame.from === from && frame.protocol === protocol)
    .map(({ information }) => information)
    .filter((information) => information[0] === CODE.configureRequest);

describe.each(CAPTURES)('the real session %s', (name) => {
  it('has LCP, CCP and IPCP packets that are read and written again byte for byte', () => {
    const frames = readPptpCapture(name).filter(({ protocol }) => NEGOTIATED.includes(protocol));
    expect(frames.length).toBeGreaterThan(8);
    for (const { information } of frames) {
      const packet = parseConfigPacket(information);
      if (packet === undefined) throw new Error(`unreadable: ${toHex(information)}`);
      const withOptions = packet.code >= CODE.configureRequest && packet.code <= CODE.configureReject;
      const options = withOptions ? parseOptions(packet.data) : undefined;
      expect(withOptions).toBe(options !== undefined);
      const data = options === undefined ? packet.data : encodeOptions(options);
      expect(toHex(encodeConfigPacket(packet.code, packet.identifier, data))).toBe(toHex(information));
    }
  });
});

describe('the recorded pppd client dials our server', () => {
  it('gets an Ack for LCP, MPPE-128, a Reject for header compression and its address', () => {
    const name = 'pptpd-mschap-v2-128';
    const bench = new LinkBench(serverOptions());
    const [lcp] = requests(name, 'client', PPP.lcp);
    const [ccp] = requests(name, 'client', PPP.ccp);
    const [withVj, asking] = requests(name, 'client', PPP.ipcp);
    bench.input({ kind: 'open' });
    expect(bench.frame(PPP.lcp, lcp)).toEqual([`c021 02${toHex(lcp ?? new Uint8Array()).slice(2)}`]);
    expect(bench.acknowledge(PPP.lcp)).toEqual(['c223 01']);
    bench.frame(PPP.chap, Uint8Array.of(2, 0x61, 0x2f, 0x62));
    const verdict = { ok: true, identity: 'vpnuser', profile: {}, grant: { granted: true } } as const;
    expect(bench.input({ kind: 'verdict', verdict })).toEqual(['c223 03']);
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'authenticated', identity: 'vpnuser' });
    // Before the addresses are known the client already asks for CCP.
    expect(bench.frame(PPP.ccp, ccp)).toEqual([]);
    const started = bench.input({ kind: 'authorize', profile: PROFILE });
    expect(started).toEqual(['80fd 0101000a120601000040', '80fd 0201000a120601000040']);
    const opened = bench.acknowledge(PPP.ccp);
    expect(opened).toEqual(['8021 0101000a03060a4e0101']);
    expect(bench.frame(PPP.ipcp, withVj)).toEqual(['8021 0401000a0206002d0f01']);
    bench.acknowledge(PPP.ipcp);
    expect(bench.frame(PPP.ipcp, asking)).toEqual(['8021 0302000a03060a4e010a']);
    const [, , assigned] = requests(name, 'client', PPP.ipcp);
    expect(bench.frame(PPP.ipcp, assigned)).toEqual(['8021 0203000a03060a4e010a']);
    expect(bench.effects.findLast(({ kind }) => kind === 'network')).toMatchObject({
      network: { localAddress: PROFILE.localAddress, peerAddress: PROFILE.peerAddress },
    });
  });

  it('is offered 128 bits when it asks for 40 and only 128 are allowed', () => {
    const bench = new LinkBench(serverOptions({ authMethods: [], encryption: 'permitted' }));
    const [ccp40] = requests('pptpd-mschap-v2-40', 'client', PPP.ccp);
    expect(toHex(ccp40 ?? new Uint8Array())).toContain('120601000020');
    bench.input({ kind: 'open' });
    bench.frame(PPP.lcp, requests('pptpd-mschap-v2-40', 'client', PPP.lcp)[0]);
    bench.acknowledge(PPP.lcp);
    bench.input({ kind: 'authorize', profile: PROFILE });
    // Without authentication there are no keys: MPPE is refused altogether, kindly.
    expect(bench.frame(PPP.ccp, ccp40)).toEqual(['80fd 01010004', '80fd 0401000a120601000020']);
  });
});

describe('our client meets the recorded accel-ppp server', () => {
  it('keeps the IPCP request that came before CCP was done, and answers it when CCP is up', () => {
    const name = 'accel-ppp-mschap-v2-128';
    const bench = new LinkBench(clientOptions());
    const [lcp] = requests(name, 'server', PPP.lcp);
    const [ccp] = requests(name, 'server', PPP.ccp);
    const [ipcp] = requests(name, 'server', PPP.ipcp);
    bench.input({ kind: 'open' });
    expect(bench.frame(PPP.lcp, lcp)).toEqual([`c021 02${toHex(lcp ?? new Uint8Array()).slice(2)}`]);
    bench.acknowledge(PPP.lcp);
    bench.frame(PPP.chap, Uint8Array.of(1));
    expect(bench.frame(PPP.chap, Uint8Array.of(3))).toEqual(['80fd 0101000a120601000040']);
    expect(bench.frame(PPP.ccp, ccp)).toEqual([`80fd 02${toHex(ccp ?? new Uint8Array()).slice(2)}`]);
    expect(bench.frame(PPP.ipcp, ipcp)).toEqual([]);
    expect(bench.acknowledge(PPP.ccp)).toEqual([
      '8021 01010016030600000000810600000000830600000000',
      `8021 02${toHex(ipcp ?? new Uint8Array()).slice(2)}`,
    ]);
    const nak = Uint8Array.of(3, 1, 0, 10, 3, 6, 10, 78, 2, 10);
    expect(bench.frame(PPP.ipcp, nak)).toEqual(['8021 0102001603060a4e020a810600000000830600000000']);
    bench.acknowledge(PPP.ipcp);
    const network = bench.effects.findLast((effect) => effect.kind === 'network');
    const local = network?.kind === 'network' ? network.network?.localAddress : undefined;
    expect(local === undefined ? '' : formatIpv4(local)).toBe('10.78.2.10');
    expect(ipv4(readU32(ipcp ?? new Uint8Array(), 6))).toBe(
      network?.kind === 'network' ? network.network?.peerAddress : undefined,
    );
  });
});
