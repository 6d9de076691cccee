import { describe, expect, it } from 'vitest';
import { PPP } from '../../../core/wire/ppp.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { serverOptions } from '../../support/link-options.ts';

describe('RFC 1962 section 3.1, Reset-Request and Reset-Ack', () => {
  it('a Reset-Request is answered with its identifier, and disturbs nothing', () => {
    const link = new LinkBench(serverOptions()).toUp();
    expect(link.frame(PPP.ccp, '0e 2a 0004')).toEqual(['80fd 0f2a0004']);
    expect(link.all('encryption').at(-1)?.parameters?.strength).toBe(128);
  });
  it('neither is rejected as an unknown code, Opened or not', () => {
    const up = new LinkBench(serverOptions()).toUp();
    expect(up.frame(PPP.ccp, '0f 2a 0004')).toEqual([]);
    const early = new LinkBench(serverOptions()).toNetwork();
    expect([early.frame(PPP.ccp, '0e 2a 0004'), early.frame(PPP.ccp, '0f 2a 0004')]).toEqual([[], []]);
    expect(early.ignored).toEqual(['ccp-not-opened', 'ccp-not-opened']);
  });
  it('a Reset-Request is answered before the data path is told to start over', () => {
    const link = new LinkBench(serverOptions()).toUp();
    const before = link.effects.length;
    link.frame(PPP.ccp, '0e 2a 0004');
    expect(link.effects.slice(before).map(({ kind }) => kind)).toEqual(['send', 'flush']);
  });

  it('ours has no data; a retransmission keeps its identifier until the Reset-Ack has come', () => {
    const link = new LinkBench(serverOptions({ statefulMppe: 'allow' })).toUp();
    const ask = (): string[] => link.input({ kind: 'reset-needed' });
    const [first] = ask();
    expect(first).toMatch(/^80fd 0e..0004$/);
    expect(ask()).toEqual([]);
    link.wait(100);
    expect(ask()).toEqual([first]);
    link.frame(PPP.ccp, `0f ff 0004`);
    link.wait(100);
    expect(ask()).toEqual([first]);
    link.frame(PPP.ccp, `0f ${first?.slice(7, 9)} 0004`);
    link.wait(100);
    const [next] = ask();
    expect(next).toMatch(/^80fd 0e..0004$/);
    expect(next).not.toBe(first);
    expect(link.ignored).toEqual(['reset-ack']);
  });

  it('nothing is asked for while CCP is not open', () => {
    const early = new LinkBench(serverOptions()).toNetwork();
    expect(early.input({ kind: 'reset-needed' })).toEqual([]);
  });

  it('other codes are', () => {
    const up = new LinkBench(serverOptions()).toUp();
    expect(up.frame(PPP.ccp, '10 2a 0004')).toEqual([expect.stringMatching(/^80fd 07..0008102a0004$/)]);
    expect(up.frame(PPP.ccp, '09 2a 0008 00000000')).toEqual([expect.stringMatching(/^80fd 07..000c092a0008/)]);
  });
});
