import { describe, expect, it } from 'vitest';
import { PPP } from '../../core/wire/ppp.ts';
import { LinkBench } from '../support/link-bench.ts';
import { PROFILE, serverOptions } from '../support/link-options.ts';

// Dialogues of well-known clients, written by hand after what they are known to send; recorded ones are in
// ppp-link-captures.test.ts.

const GRANT = { ok: true, identity: 'a', profile: {}, grant: { granted: true } } as const;

/** The password is accepted, and what the client sent in the same breath waits for the addresses. */
const admit = (link: LinkBench, early: readonly (readonly [protocol: number, bytes: string])[]): string[] => {
  link.frame(PPP.chap, '02 612f62');
  link.input({ kind: 'verdict', verdict: GRANT });
  for (const [protocol, bytes] of early) expect(link.frame(protocol, bytes)).toEqual([]);
  return link.input({ kind: 'authorize', profile: PROFILE });
};

describe('Windows 7 to 11', () => {
  it('asks for callback, names itself, offers every MPPE strength with compression, and wants WINS', () => {
    const link = new LinkBench(serverOptions({ echoIntervalMs: 0 }));
    link.open();
    expect(link.frame(PPP.lcp, '01 00 0015 0104 0578 0506 31d97f5b 0702 0802 0d03 06')).toEqual([
      'c021 040000070d0306',
    ]);
    expect(link.frame(PPP.lcp, '01 01 0012 0104 0578 0506 31d97f5b 0702 0802')).toEqual([
      'c021 0201001201040578050631d97f5b07020802',
    ]);
    expect(link.acknowledge(PPP.lcp)).toEqual(['c223 01']);
    expect(link.frame(PPP.lcp, '0c 02 0012 31d97f5b 4d535241535635 2e3230')).toEqual([]);
    const first = admit(link, [
      [PPP.ccp, '01 04 000a 1206 010000e1'],
      [PPP.ipv6cp, '01 05 000e 010a 34e5ab8f7b0af5d0'],
      [PPP.ipcp, '01 06 0022 0306 00000000 8106 00000000 8206 00000000 8306 00000000 8406 00000000'],
    ]);
    expect(first).toEqual(['80fd 0101000a120601000040', '80fd 0304000a120601000040']);
    expect(link.frame(PPP.ccp, '01 07 000a 1206 01000040')).toEqual(['80fd 0207000a120601000040']);
    expect(link.acknowledge(PPP.ccp)).toEqual(['8021 0101000a03060a4e0101', '8021 04060010820600000000840600000000']);
    // IPV6CP comes again until it is rejected.
    expect(link.frame(PPP.ipv6cp, '01 08 000e 010a 34e5ab8f7b0af5d0')).toEqual([
      expect.stringMatching(/^c021 08..001480570108000e010a34e5ab8f7b0af5d0$/),
    ]);
    link.acknowledge(PPP.ipcp);
    expect(link.frame(PPP.ipcp, '01 09 0016 0306 00000000 8106 00000000 8306 00000000')).toEqual([
      '8021 0309001603060a4e010a81060a00003583060a000036',
    ]);
    link.frame(PPP.ipcp, '01 0a 0016 0306 0a4e010a 8106 0a000035 8306 0a000036');
    expect(link.all('network').at(-1)?.network?.peerAddress).toBe(PROFILE.peerAddress);
    expect(link.all('note').map(({ detail }) => detail)).toContain('MSRASV5.20');
    // Hanging up: its Terminate-Request holds octets that are no text.
    expect(link.frame(PPP.lcp, '05 0b 0010 31d97f5b 003ccd74 00000000')).toEqual(['c021 060b0004']);
    link.wait(3000);
    expect(link.closed).toMatchObject({ reason: 'peer-terminated' });
  });

  it('without encryption asks for compression alone and is told why the call ends', () => {
    const link = new LinkBench(serverOptions());
    link.toNetwork();
    for (let i = 0; i < 5; i += 1) {
      expect(link.frame(PPP.ccp, '01 04 000a 1206 00000001').at(-1)).toBe('80fd 0304000a120601000040');
    }
    link.frame(PPP.ccp, '01 09 000a 1206 00000001');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toEqual({
      kind: 'closed',
      reason: 'encryption-required',
      detail: 'no agreement on MPPE: we allow 128-bit stateless; the peer asked for compression',
    });
  });
});

describe('macOS, and iOS up to 9', () => {
  it('sends a character map, header compression and protocols of its own', () => {
    const link = new LinkBench(serverOptions());
    link.open();
    const request = '01 01 0014 0206 00000000 0506 5ad21b3c 0702 0802';
    expect(link.frame(PPP.lcp, request)).toEqual([`c021 02${request.replaceAll(' ', '').slice(2)}`]);
    link.acknowledge(PPP.lcp);
    admit(link, [[PPP.ipcp, '01 01 001c 0206 002d0f01 0306 00000000 8106 00000000 8306 00000000']]);
    expect(link.frame(PPP.ccp, '01 01 000a 1206 01000060')).toEqual(['80fd 0301000a120601000040']);
    link.frame(PPP.ccp, '01 02 000a 1206 01000040');
    expect(link.acknowledge(PPP.ccp)).toContain('8021 0401000a0206002d0f01');
    // ACSP is rejected like any protocol nobody here knows.
    expect(link.frame(0x8235, '01 01 0004')).toEqual([expect.stringMatching(/^c021 08..000a823501010004$/)]);
    link.acknowledge(PPP.ipcp);
    link.frame(PPP.ipcp, '01 02 0016 0306 0a4e010a 8106 0a000035 8306 0a000036');
    expect(link.all('network').at(-1)?.network?.peerAddress).toBe(PROFILE.peerAddress);
  });
});

describe('MikroTik and other routers', () => {
  it('propose multilink, refuse PFC and ACFC, and begin CCP without MPPE', () => {
    const link = new LinkBench(serverOptions());
    link.open();
    expect(link.frame(PPP.lcp, '01 01 0012 0104 05aa 0506 01020304 1104 0640')).toEqual(['c021 0401000811040640']);
    const id = link.lastRequest(PPP.lcp)[1] ?? 0;
    const [again = ''] = link.frame(PPP.lcp, Uint8Array.of(4, id, 0, 8, 7, 2, 8, 2));
    expect(again).toMatch(/^c021 01..0013010405780305c223810506[0-9a-f]{8}$/);
    link.frame(PPP.lcp, '01 02 000e 0104 05aa 0506 01020304');
    link.acknowledge(PPP.lcp);
    expect(link.all('framing').at(-1)?.framing).toEqual({ peerMru: 1450, sendPfc: false, sendAcfc: false });
    expect(admit(link, [[PPP.ccp, '01 01 0004']])).toContain('80fd 0301000a120601000040');
    link.frame(PPP.ccp, '01 02 000a 1206 01000040');
    link.acknowledge(PPP.ccp);
    link.acknowledge(PPP.ipcp);
    // One that does not name its address is told it.
    expect(link.frame(PPP.ipcp, '01 01 0004')).toEqual(['8021 0301000a03060a4e010a']);
    link.frame(PPP.ipcp, '01 02 000a 0306 0a4e010a');
    expect(link.all('network').at(-1)?.network?.peerAddress).toBe(PROFILE.peerAddress);
  });
});
