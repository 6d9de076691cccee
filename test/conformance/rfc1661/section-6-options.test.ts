import { describe, expect, it } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { clientOptions, serverOptions } from '../../support/link-options.ts';
import { passwordMethod } from '../../support/password-method.ts';

const V2 = passwordMethod({ name: 'ms-chap-v2', preference: 200 });
const EAP = passwordMethod({ name: 'eap', lcpOption: Uint8Array.of(0xc2, 0x27), preference: 300 });
const PAP = passwordMethod({ name: 'pap', lcpOption: Uint8Array.of(0xc0, 0x23), preference: 10, yieldsKeys: false });

const server = (changes = {}): LinkBench => {
  const link = new LinkBench(serverOptions({ encryption: 'permitted', ...changes }));
  link.open();
  return link;
};
const client = (changes = {}): LinkBench => {
  const link = new LinkBench(clientOptions({ encryption: 'permitted', ...changes }));
  link.open();
  return link;
};
const request = (link: LinkBench): string => toHex(link.lastRequest(PPP.lcp));
const nak = (link: LinkBench, options: string): string[] => {
  const id = toHex(link.lastRequest(PPP.lcp).subarray(1, 2));
  const length = (4 + options.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0');
  return link.frame(PPP.lcp, `03 ${id} ${length} ${options}`);
};

describe('RFC 1661 section 6.1, Maximum-Receive-Unit', () => {
  it('asks for the configured one, and for none when it is the default', () => {
    expect(request(server())).toContain('01040578');
    expect(request(server({ mru: 1500 }))).not.toContain('0104');
  });
  it('takes 128 and more, and suggests the default for less or nonsense', () => {
    expect(server().frame(PPP.lcp, '01 01 0008 0104 0080')).toEqual(['c021 0201000801040080']);
    expect(server().frame(PPP.lcp, '01 01 0008 0104 ffff')).toEqual(['c021 020100080104ffff']);
    expect(server().frame(PPP.lcp, '01 01 0008 0104 007f')).toEqual(['c021 03010008010405dc']);
    expect(server().frame(PPP.lcp, '01 01 0007 0103 05')).toEqual(['c021 03010008010405dc']);
  });
  it('follows a Nak downwards only', () => {
    const link = server();
    nak(link, '0104 0500');
    expect(request(link)).toContain('01040500');
    nak(link, '0104 05dc');
    expect(request(link)).toContain('01040500');
  });
});

describe('RFC 1661 section 6.2, Authentication-Protocol', () => {
  it('is asked for by the server, strongest first, one at a time', () => {
    expect(request(server({ authMethods: [PAP, V2, EAP] }))).toContain('0304c227');
    expect(request(client({ authMethods: [V2] }))).not.toContain('0305');
  });
  it('goes to the method the peer names, if it is one of ours', () => {
    const link = server({ authMethods: [EAP, V2, PAP] });
    nak(link, '0304 c023');
    expect(request(link)).toContain('0304c023');
  });
  it('goes to the next of ours when the peer names a stranger, and fails after the last', () => {
    const link = server({ authMethods: [EAP, V2] });
    nak(link, '0305 c223 05');
    expect(request(link)).toContain('0305c22381');
    nak(link, '0304 c023');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({
      reason: 'authentication-failed',
      detail: 'no common authentication method: we allow eap, ms-chap-v2; the peer offers chap-md5, pap',
    });
  });
  it('fails when the peer rejects the option', () => {
    const link = server({ authMethods: [V2] });
    const bytes = link.lastRequest(PPP.lcp);
    link.frame(PPP.lcp, Uint8Array.of(4, bytes[1] ?? 0, 0, 9, 3, 5, 0xc2, 0x23, 0x81));
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed?.detail).toBe(
      'no common authentication method: we allow ms-chap-v2; the peer refuses to authenticate',
    );
  });
  it('is rejected by a server: it proves nothing to its clients', () => {
    expect(server().frame(PPP.lcp, '01 01 0009 0305 c223 81')).toEqual(['c021 040100090305c22381']);
  });
  it('is taken by a client if it is one of its own, else its best is suggested, until that is hopeless', () => {
    expect(client({ authMethods: [V2] }).frame(PPP.lcp, '01 01 0009 0305 c223 81')).toEqual([
      'c021 020100090305c22381',
    ]);
    const link = client({ authMethods: [V2] });
    for (let i = 0; i < 5; i += 1) {
      expect(link.frame(PPP.lcp, '01 01 0008 0304 c023')).toEqual(['c021 030100090305c22381']);
    }
    link.frame(PPP.lcp, '01 01 0008 0304 c023');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed?.detail).toBe('no common authentication method: we allow ms-chap-v2; the peer asks for pap');
  });
});

describe('RFC 1661 section 6.4, Magic-Number', () => {
  it('is never zero, and zero is not taken', () => {
    expect(request(server({ random: { bytes: (n: number) => new Uint8Array(n) } }))).toContain('050600000001');
    const [sent = ''] = server().frame(PPP.lcp, '01 01 000a 0506 00000000');
    expect(sent).toMatch(/^c021 0301000a0506(?!00000000)/);
  });
  it('equal to our own is answered with another one', () => {
    const link = server();
    const own = /0506([0-9a-f]{8})/.exec(request(link))?.[1] ?? '';
    const [sent = ''] = link.frame(PPP.lcp, `01 01 000a 0506 ${own}`);
    expect(sent).toMatch(/^c021 0301000a0506/);
    expect(sent).not.toContain(own);
  });
  it('is chosen anew when the peer naks it', () => {
    const link = server();
    const before = request(link);
    nak(link, '0506 01020304');
    const own = /0506([0-9a-f]{8})/.exec(request(link))?.[1] ?? '';
    expect(before).not.toContain(own);
  });
});

describe('RFC 1661 sections 6.5 and 6.6, PFC and ACFC', () => {
  it('are taken for what we may send, and nothing is assumed without them', () => {
    const with_ = new LinkBench(serverOptions()).toLcpOpened();
    expect(with_.all('framing').map(({ framing }) => framing)).toEqual([
      { peerMru: 1400, sendPfc: true, sendAcfc: true },
    ]);
    const without = server();
    without.frame(PPP.lcp, '01 01 0004');
    without.acknowledge(PPP.lcp);
    expect(without.all('framing').map(({ framing }) => framing)).toEqual([
      { peerMru: 1500, sendPfc: false, sendAcfc: false },
    ]);
  });
  it('are booleans: one with a value is rejected, never nakked', () => {
    expect(server().frame(PPP.lcp, '01 01 0007 0703 01')).toEqual(['c021 04010007070301']);
  });
});

describe('options that Windows and others propose', () => {
  it.each([
    ['Quality-Protocol', '0408 c025 00000064'],
    ['FCS-Alternatives', '0903 04'],
    ['Callback', '0d03 06'],
    ['Multilink MRRU', '1104 064e'],
    ['Short sequence numbers', '1202'],
    ['Endpoint discriminator', '1309 03 001122334455'],
  ])('%s is rejected', (_, option) => {
    const hex = option.replaceAll(' ', '');
    const length = (4 + hex.length / 2).toString(16).padStart(4, '0');
    expect(server().frame(PPP.lcp, `01 01 ${length} ${hex}`)).toEqual([`c021 0401${length}${hex}`]);
  });
  it('ACCM is accepted and has no effect', () => {
    expect(server().frame(PPP.lcp, '01 01 000a 0206 000a0000')).toEqual(['c021 0201000a0206000a0000']);
  });
});
