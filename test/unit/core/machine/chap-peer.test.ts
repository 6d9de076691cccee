import { describe, expect, it } from 'vitest';
import { ChapPeer } from '../../../../core/machine/chap-peer.ts';
import { type Instant, instant } from '../../../../core/time.ts';
import { writeChap } from '../../../../core/wire/chap.ts';
import { PPP } from '../../../../core/wire/ppp.ts';
import { countingRandom } from '../../../support/counting-random.ts';

const bench = () => {
  const peer = new ChapPeer(
    { role: 'peer', localName: 'alice', password: 'x', random: countingRandom(1) },
    {
      answer: () => ({ value: Uint8Array.of(1, 2), confirm: () => ({}), refused: () => 'bad-credentials' }),
    },
  );
  const frame = (bytes: Uint8Array, now: number) =>
    peer.handle({ kind: 'frame', protocol: PPP.chap, bytes }, instant(now));
  return {
    peer,
    frame,
    challenge: (now: number) =>
      frame(writeChap({ kind: 'challenge', identifier: 7, value: Uint8Array.of(9), name: 'gw' }), now),
    /** How often the Response is sent until nothing more is due. */
    repeats: (): number[] => {
      const times: number[] = [];
      for (let at: Instant | undefined = peer.nextTimeout(); at !== undefined; at = peer.nextTimeout()) {
        if (peer.handleTimeout(at).some(({ kind }) => kind === 'send')) times.push(at);
      }
      return times;
    },
  };
};

describe('RFC 1994 section 4.2: a Success may be lost, and the authenticator must take the Response again', () => {
  it('the peer repeats its Response every 3 s, ten times in all, and then leaves it to the link', () => {
    const b = bench();
    const [first] = b.challenge(1_000);
    expect(first?.kind).toBe('send');
    expect(b.peer.handleTimeout(instant(3_999))).toEqual([]);
    expect(b.peer.handleTimeout(instant(4_000))).toEqual([first]);
    expect(b.repeats()).toEqual([7_000, 10_000, 13_000, 16_000, 19_000, 22_000, 25_000, 28_000]);
  });

  it.each([
    ['Success', writeChap({ kind: 'success', identifier: 7, message: '' })],
    ['Failure', writeChap({ kind: 'failure', identifier: 7, message: 'E=691' })],
  ])('not after a %s', (_name, bytes) => {
    const b = bench();
    b.challenge(1_000);
    b.frame(bytes, 1_100);
    expect(b.peer.nextTimeout()).toBeUndefined();
    expect(b.peer.handleTimeout(instant(60_000))).toEqual([]);
  });
});
