import { describe, expect, it } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { CODE } from '../../../core/wire/ppp-config.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { serverOptions } from '../../support/link-options.ts';

/** A server link that has sent its first Configure-Request (identifier 1) and has heard nothing. */
const bench = (changes = {}): LinkBench => {
  const link = new LinkBench(serverOptions(changes));
  link.open();
  return link;
};

describe('RFC 1661 section 4.6, counters', () => {
  it('turns Naks into Rejects after Max-Failure', () => {
    const link = bench();
    const request = '01 07 000a 0104 0040 0702';
    for (let i = 0; i < 5; i += 1) expect(link.frame(PPP.lcp, request)).toEqual(['c021 03070008010405dc']);
    expect(link.frame(PPP.lcp, request)).toEqual(['c021 0407000801040040']);
  });

  it('starts counting Naks again after an Ack', () => {
    const link = bench();
    for (let i = 0; i < 5; i += 1) link.frame(PPP.lcp, '01 07 0008 0104 0040');
    expect(link.frame(PPP.lcp, '01 08 0004')).toEqual(['c021 02080004']);
    expect(link.frame(PPP.lcp, '01 09 0008 0104 0040')).toEqual(['c021 03090008010405dc']);
  });

  it('ends a negotiation that never agrees', () => {
    const link = bench();
    for (let i = 0; i < 30; i += 1) link.frame(PPP.lcp, '01 07 0007 0d03 06');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'negotiation-failed' });
  });

  it('stops asking for what the peer naks for ever', () => {
    const link = bench();
    for (let i = 0; i < 6; i += 1) {
      const id = link.lastRequest(PPP.lcp)[1] ?? 0;
      link.frame(PPP.lcp, Uint8Array.of(3, id, 0, 8, 1, 4, 0x05, 0xdc));
    }
    expect(toHex(link.lastRequest(PPP.lcp))).not.toContain('0104');
    expect(link.closed).toBeUndefined();
  });

  it('ends with a peer that refuses every Configure-Request for ever', () => {
    const link = bench();
    for (let i = 0; i < 30; i += 1) {
      link.frame(PPP.lcp, Uint8Array.of(3, link.lastRequest(PPP.lcp)[1] ?? 0, 0, 7, 0x0d, 3, 6));
    }
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({
      reason: 'negotiation-failed',
      detail: 'the peer refused 21 Configure-Requests',
    });
  });

  it('sends a retransmission unchanged', () => {
    const link = bench();
    const first = toHex(link.lastRequest(PPP.lcp));
    expect(link.wait(3000)).toEqual([`c021 ${first}`]);
  });
});

describe('RFC 1661 section 5, packets', () => {
  it.each(['', '01', '010700', '01 07 0003', '01 07 0008 0104 05', '00 00 ffff'])(
    'silently discards a packet with an invalid Length: "%s"',
    (bytes) => {
      const link = bench();
      expect(link.frame(PPP.lcp, bytes)).toEqual([]);
      expect(link.ignored).toEqual(['malformed']);
    },
  );

  it('ignores padding behind the Length', () => {
    expect(bench().frame(PPP.lcp, '01 07 0004 deadbeef')).toEqual(['c021 02070004']);
  });

  it.each(['01 07 0006 0101', '01 07 0006 0100', '01 07 0008 0106 0578', '01 07 0005 01'])(
    'silently discards options that run past the end: %s',
    (bytes) => {
      const link = bench();
      expect(link.frame(PPP.lcp, bytes)).toEqual([]);
      expect(link.ignored).toEqual(['malformed-options']);
    },
  );

  it('5.2: acknowledges with an exact copy', () => {
    const request = '0107 0018 0802 0702 0506 0a0b0c0d 0206 ffffffff 0104 05dc';
    expect(bench().frame(PPP.lcp, request)).toEqual([`c021 02${request.replaceAll(' ', '').slice(2)}`]);
  });

  it('5.2: discards an Ack with another identifier or other options', () => {
    const link = bench();
    const request = link.lastRequest(PPP.lcp);
    const stale = request.slice();
    stale[0] = CODE.configureAck;
    stale[1] = (stale[1] ?? 0) + 1;
    link.frame(PPP.lcp, stale);
    const other = request.slice();
    other[0] = CODE.configureAck;
    other[7] = (other[7] ?? 0) ^ 1;
    link.frame(PPP.lcp, other);
    expect(link.ignored).toEqual(['stale-identifier', 'ack-differs']);
    // The real one is still taken, but only once.
    link.acknowledge(PPP.lcp);
    link.acknowledge(PPP.lcp);
    expect(link.ignored).toEqual(['stale-identifier', 'ack-differs', 'stale-identifier']);
  });

  it('5.3: naks only what is unacceptable, in order, with acceptable values', () => {
    const request = '01 07 0014 0802 0104 0010 0506 00000000 0204 0000';
    const [sent = ''] = bench().frame(PPP.lcp, request);
    expect(sent).toMatch(/^c021 03070014010405dc0506[0-9a-f]{8}020600000000$/);
    expect(sent).not.toContain('050600000000');
  });

  it('5.4: rejects unmodified and in order, before any Nak', () => {
    const request = '01 07 0019 0d03 06 0104 0010 1104 0640 1702 1306 00112233 0802';
    expect(bench().frame(PPP.lcp, request)).toEqual(['c021 040700130d0306110406401702130600112233']);
  });

  it('5.4: keeps the order when Naks have become Rejects', () => {
    const link = bench();
    for (let i = 0; i < 5; i += 1) link.frame(PPP.lcp, '01 07 0008 0104 0040');
    const request = '01 07 0011 0104 0040 0d03 06 0802 1104 0640';
    expect(link.frame(PPP.lcp, request)).toEqual(['c021 0407000f010400400d030611040640']);
  });

  it('5.4: rejects an option that is listed twice', () => {
    expect(bench().frame(PPP.lcp, '01 07 000c 0104 0578 0104 0578')).toEqual(['c021 0407000801040578']);
  });

  it('5.4: never asks again for what was rejected, and discards a Reject of what was not asked', () => {
    const link = bench();
    const id = link.lastRequest(PPP.lcp)[1] ?? 0;
    link.frame(PPP.lcp, Uint8Array.of(4, id, 0, 8, 1, 4, 0, 0));
    expect(link.ignored).toEqual(['reject-differs']);
    const [sent = ''] = link.frame(PPP.lcp, Uint8Array.of(4, id, 0, 12, 1, 4, 0x05, 0x78, 7, 2, 8, 2));
    expect(sent).toMatch(/^c021 010200..0305c223810506[0-9a-f]{8}$/);
  });

  it('5.5: answers every Terminate-Request with the same identifier', () => {
    const link = bench();
    expect(link.frame(PPP.lcp, '05 44 0006 6869')).toEqual(['c021 06440004']);
    expect(link.closed).toBeUndefined();
    const up = new LinkBench(serverOptions()).toUp();
    expect(up.frame(PPP.lcp, '05 45 0006 6869')).toEqual(['c021 06450004']);
    // Our Terminate-Ack may be lost; a repeated request is answered until the pause is over.
    expect(up.frame(PPP.lcp, '05 46 0006 6869')).toEqual(['c021 06460004']);
    // 3.7: not before one Restart time has passed.
    up.wait(2999);
    expect(up.closed).toBeUndefined();
    up.wait(1);
    expect(up.closed).toMatchObject({ reason: 'peer-terminated', detail: 'the peer terminated the link: hi' });
  });

  it('5.6: rejects an unknown code with a copy of the packet, cut to the MRU of the peer', () => {
    const link = bench();
    expect(link.frame(PPP.lcp, '2a 09 0006 0102 ffff')).toEqual([expect.stringMatching(/^c021 07..000a2a0900060102$/)]);
    const up = new LinkBench(serverOptions()).toUp();
    const long = new Uint8Array(1500);
    long.set([0x2a, 1, 0x05, 0xdc]);
    const [sent = ''] = up.frame(PPP.lcp, long);
    expect((sent.length - 'c021 '.length) / 2).toBe(1400);
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('5.6: ends when the peer does not know code %i', (code) => {
    const link = new LinkBench(serverOptions()).toUp();
    expect(link.frame(PPP.lcp, Uint8Array.of(7, 1, 0, 8, code, 1, 0, 4))).toEqual([expect.stringMatching(/^c021 05/)]);
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'negotiation-failed' });
  });

  it('5.6: lives on when the peer does not know Echo-Request', () => {
    const link = new LinkBench(serverOptions()).toUp();
    expect(link.frame(PPP.lcp, '07 01 000c 09 01 0008 00000000')).toEqual([]);
    expect(link.closed).toBeUndefined();
  });

  it('5.7: discards a Protocol-Reject before LCP is Opened, and ends on one of LCP itself', () => {
    const link = bench();
    link.frame(PPP.lcp, '08 01 0006 c021');
    expect(link.ignored).toEqual(['lcp-not-opened']);
    const up = new LinkBench(serverOptions()).toUp();
    up.frame(PPP.lcp, '08 01 0006 c021');
    up.frame(PPP.lcp, '06 01 0004');
    expect(up.closed).toMatchObject({ reason: 'negotiation-failed' });
  });

  it('5.8: answers Echo-Request with its own magic number and the same data, only when Opened', () => {
    const link = bench();
    expect(link.frame(PPP.lcp, '09 31 000a 01020304 abcd')).toEqual([]);
    const up = new LinkBench(serverOptions()).toUp();
    const magic = /0506([0-9a-f]{8})/.exec(toHex(up.lastRequest(PPP.lcp)))?.[1] ?? 'none';
    expect(up.frame(PPP.lcp, '09 31 000a 01020304 abcd')).toEqual([`c021 0a31000a${magic}abcd`]);
    expect(up.frame(PPP.lcp, '09 32 0007 010203')).toEqual([]);
    expect(up.closed).toBeUndefined();
  });

  it('5: no answer is longer than the MRU of the peer, an Echo-Reply neither', () => {
    const up = new LinkBench(serverOptions()).toUp();
    const long = new Uint8Array(1500);
    long.set([9, 0x31, 0x05, 0xdc]);
    const [sent = ''] = up.frame(PPP.lcp, long);
    expect(sent).toMatch(/^c021 0a310578/);
    expect((sent.length - 'c021 '.length) / 2).toBe(1400);
  });

  it('5.8: takes an Echo-Request with our own magic number for a loop', () => {
    const up = new LinkBench(serverOptions()).toUp();
    const magic = /0506([0-9a-f]{8})/.exec(toHex(up.lastRequest(PPP.lcp)))?.[1] ?? 'none';
    up.frame(PPP.lcp, `09 31 0008 ${magic}`);
    expect(up.closed).toMatchObject({ reason: 'loopback' });
  });

  it('5.8: sends zero for a magic number that the peer rejected', () => {
    const link = new LinkBench(serverOptions({ authMethods: [], echoIntervalMs: 1000 }));
    link.open();
    const request = link.lastRequest(PPP.lcp);
    const at = 8;
    link.frame(PPP.lcp, Uint8Array.of(4, request[1] ?? 0, 0, 10, ...request.subarray(at, at + 6)));
    link.acknowledge(PPP.lcp);
    link.frame(PPP.lcp, '01 01 0004');
    expect(link.wait(1000)).toEqual([expect.stringMatching(/^c021 09..000800000000$/)]);
  });

  it('5.9: discards Discard-Requests', () => {
    const up = new LinkBench(serverOptions()).toUp();
    expect(up.frame(PPP.lcp, '0b 31 0008 01020304')).toEqual([]);
    expect(up.ignored).toContain('discard-request');
  });
});

describe('RFC 1570 section 1, information from the peer', () => {
  it('notes Identification and Time-Remaining as printable text, a few of them', () => {
    const up = new LinkBench(serverOptions()).toUp();
    up.frame(PPP.lcp, '0c 01 0013 01020304 4d535241535635 2e 3230 0a');
    up.frame(PPP.lcp, '0d 02 000e 01020304 0000003c 6869');
    const notes = up.all('note');
    expect(notes.map(({ event, detail }) => `${event}: ${detail}`)).toEqual([
      'lcp.identification: MSRASV5.20.',
      'lcp.time-remaining: 60 s hi',
    ]);
    for (let i = 0; i < 50; i += 1) up.frame(PPP.lcp, '0c 01 0009 01020304 4d');
    expect(up.all('note')).toHaveLength(8);
  });
});
