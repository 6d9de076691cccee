import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { encodeConfigPacket } from '../../../core/wire/ppp-config.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { serverOptions } from '../../support/link-options.ts';

const MAGIC = Uint8Array.of(1, 2, 3, 4);
const identification = (text: string): Uint8Array => encodeConfigPacket(12, 7, concatBytes(MAGIC, asciiBytes(text)));
const timeRemaining = (seconds: number, text: string): Uint8Array =>
  encodeConfigPacket(13, 7, concatBytes(MAGIC, Uint8Array.of(0, 0, seconds >> 8, seconds & 255), asciiBytes(text)));

describe('section 1.1, Identification', () => {
  it('may come at any time, before LCP is open too, and is never answered', () => {
    const bench = new LinkBench(serverOptions());
    bench.open();
    expect(bench.frame(PPP.lcp, identification('MSRASV5.20'))).toEqual([]);
    expect(bench.all('note')).toEqual([{ kind: 'note', event: 'lcp.identification', detail: 'MSRASV5.20' }]);
  });

  it('is made safe to print', () => {
    const bench = new LinkBench(serverOptions()).toLcpOpened();
    bench.frame(PPP.lcp, identification('evil\n\x1b[31mred'));
    expect(bench.all('note').at(-1)?.detail).toBe('evil..[31mred');
  });

  it('without room for the magic number it is ignored', () => {
    const bench = new LinkBench(serverOptions()).toLcpOpened();
    expect(bench.frame(PPP.lcp, '0c 07 0007 010203')).toEqual([]);
    expect(bench.ignored).toContain('malformed');
  });

  it('a flood of them is cut off', () => {
    const bench = new LinkBench(serverOptions()).toLcpOpened();
    for (let i = 0; i < 100; i += 1) bench.frame(PPP.lcp, identification(`number ${i}`));
    expect(bench.all('note').filter(({ event }) => event === 'lcp.identification')).toHaveLength(8);
  });
});

describe('section 1.2, Time-Remaining', () => {
  it('is noted with its seconds and its text', () => {
    const bench = new LinkBench(serverOptions()).toLcpOpened();
    expect(bench.frame(PPP.lcp, timeRemaining(600, 'see you'))).toEqual([]);
    expect(bench.all('note').at(-1)).toMatchObject({ event: 'lcp.time-remaining', detail: '600 s see you' });
  });
});

describe('section 2: options that are not for this gateway are rejected whole', () => {
  it.each([
    ['2.1 FCS-Alternatives', '0903 02'],
    ['2.2 Self-Describing-Padding', '0a03 04'],
    ['2.3 Callback', '0d03 06'],
    ['2.4 Compound-Frames', '0f02'],
    ['Multilink MRRU (RFC 1990 section 5.1.1)', '1104 05dc'],
    ['Multilink short sequence numbers', '1202'],
    ['Multilink endpoint discriminator', '1303 00'],
  ])('%s', (_, option) => {
    const bench = new LinkBench(serverOptions());
    bench.open();
    const octets = option.replaceAll(' ', '');
    const length = (4 + octets.length / 2).toString(16).padStart(4, '0');
    expect(bench.frame(PPP.lcp, `01 09 ${length} ${octets}`)).toEqual([`c021 0409${length}${octets}`]);
  });
});
