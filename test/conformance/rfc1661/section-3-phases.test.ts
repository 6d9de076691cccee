import { describe, expect, it } from 'vitest';
import { pppStage } from '../../../core/datapath/stages/ppp.stage.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { batchOf, livePackets, openSession, run } from '../../support/batches.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { serverOptions } from '../../support/link-options.ts';

/** One packet of every protocol but LCP that a peer may send, well formed. */
const NOT_LCP = [
  [PPP.chap, '02 01 0006 01 61'],
  [PPP.ccp, '01 01 000a 1206 01000040'],
  [PPP.ipcp, '01 01 000a 0306 00000000'],
  [0x8235, '01 01 0004'],
] as const;

describe('RFC 1661 section 3', () => {
  it.each(NOT_LCP)('3.4: before LCP is Opened 0x%s is silently discarded', (protocol, bytes) => {
    const link = new LinkBench(serverOptions());
    link.open();
    expect(link.frame(protocol, bytes)).toEqual([]);
    link.toLcpOpened();
    expect(link.closed).toBeUndefined();
  });

  it.each(NOT_LCP)('3.7: while the link is terminated 0x%s is silently discarded', (protocol, bytes) => {
    const link = new LinkBench(serverOptions()).toUp();
    const [terminate = ''] = link.input({ kind: 'close', reason: 'administrative', detail: 'test' });
    expect(terminate).toMatch(/^c021 05/);
    expect(link.frame(protocol, bytes)).toEqual([]);
    link.frame(PPP.lcp, `06 ${terminate.slice(7, 9)} 0004`);
    expect(link.closed).toMatchObject({ reason: 'administrative' });
  });
});

describe('RFC 1661 sections 5.6 and 5.7', () => {
  const identifier = (sent: readonly string[], code: string): string => {
    const reject = sent.find((frame) => frame.startsWith(`c021 ${code}`));
    if (reject === undefined) throw new Error(`no packet with code ${code} in ${sent.join()}`);
    return reject.slice(7, 9);
  };

  it('the identifier of each Code-Reject is another one', () => {
    const link = new LinkBench(serverOptions()).toLcpOpened();
    const seen = [0, 1, 2].map(() => identifier(link.frame(PPP.lcp, '63 05 0004'), '07'));
    expect(new Set(seen).size).toBe(3);
  });

  it('the identifier of each Protocol-Reject is another one', () => {
    const link = new LinkBench(serverOptions()).toUp();
    const seen = [0, 1, 2].map(() => {
      link.wait(1_000);
      return identifier(link.frame(0x8235, '01 01 0004'), '08');
    });
    expect(new Set(seen).size).toBe(3);
  });
});

describe('RFC 1661 section 6.1', () => {
  it('1500 octets are received although fewer were asked for', () => {
    const stage = pppStage({ frame: () => undefined });
    const session = openSession([stage]);
    const frame = new Uint8Array(4 + 1500).fill(0x45);
    frame.set([0xff, 0x03, 0x00, 0x21]);
    const batch = batchOf([frame], { session });
    expect(run(stage.inbound, batch)).toEqual({});
    expect(livePackets(batch).map(({ length }) => length)).toEqual([1500]);
  });
});
