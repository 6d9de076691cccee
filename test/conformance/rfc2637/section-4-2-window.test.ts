import { describe, expect, test } from 'vitest';
import { GreWindow, type GreWindowOptions } from '../../../core/datapath/gre-window.ts';
import { instant } from '../../../core/time.ts';

const OPTIONS: GreWindowOptions = { minTimeoutMs: 100, maxTimeoutMs: 5_000, queueLimit: 8 };

/** A window in virtual time: `send` fills it up to `most` packets, `ack` acknowledges up to a number. */
const bench = (packets: number, processingDelay = 0, options: Partial<GreWindowOptions> = {}) => {
  const window = new GreWindow({ packets, processingDelay }, { ...OPTIONS, ...options });
  let now = 0;
  let next = 0;
  return {
    window,
    at: (ms: number): void => {
      now = ms;
    },
    send: (most = 100_000): number => {
      let sent = 0;
      for (; sent < most && window.isOpen; sent += 1) {
        window.sent(instant(now));
        next += 1;
      }
      return sent;
    },
    ack: (sequence: number): void => window.acknowledge(sequence, instant(now)),
    ackAll: (): void => window.acknowledge(next - 1, instant(now)),
    expire: (): boolean => window.expire(instant(now)),
  };
};

describe('RFC 2637 section 4.2.1: initial window size', () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [16, 8],
    [64, 32],
    [16_384, 8_192],
    [0, 1],
    [65_535, 8_192],
  ])('a peer with a window of %i packets is sent %i without acknowledgment', (packets, sent) => {
    const b = bench(packets);
    expect(b.send()).toBe(sent);
    expect(b.window.inFlight).toBe(sent);
    expect(b.window.isOpen).toBe(false);
  });
});

describe('RFC 2637 section 4.2.3: opening the window', () => {
  test('one packet more for each window acknowledged, up to the maximum', () => {
    const b = bench(6);
    const sizes: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      sizes.push(b.send());
      b.at((round + 1) * 10);
      b.ackAll();
    }
    expect(sizes).toEqual([3, 4, 5, 6, 6, 6]);
  });

  test('half a window acknowledged grants room for as many and no growth yet', () => {
    const b = bench(8);
    expect(b.send()).toBe(4);
    b.at(10);
    b.ack(1);
    expect(b.window.snapshot()).toMatchObject({ size: 4, inFlight: 2 });
    expect(b.send()).toBe(2);
    b.ack(3);
    expect(b.window.snapshot()).toMatchObject({ size: 5, inFlight: 2 });
  });
});

describe('RFC 2637 section 4.2.2: closing the window', () => {
  test('a time-out leaves half, rounded up, at least one; sending goes on with it and nothing counts as on the way', () => {
    const b = bench(20, 0, { maxTimeoutMs: 100 });
    const sizes: number[] = [b.window.snapshot().size];
    for (let round = 1; round <= 5; round += 1) {
      b.at(round * 1_000);
      b.send();
      b.at(round * 1_000 + 100);
      expect(b.expire()).toBe(true);
      expect(b.window.inFlight).toBe(0);
      // Too late to open anything, but it says that the peer acknowledges.
      b.ackAll();
      sizes.push(b.window.snapshot().size);
    }
    expect(sizes).toEqual([10, 5, 3, 2, 1, 1]);
    expect(b.window.timeOuts).toBe(5);
  });

  test('a window that timed out is not also counted as acknowledged', () => {
    const b = bench(8);
    b.send();
    b.at(10);
    b.ack(2);
    b.at(2_000);
    expect(b.expire()).toBe(true);
    expect(b.window.snapshot().size).toBe(2);
    expect(b.send()).toBe(2);
    b.ack(4);
    expect(b.window.snapshot().size).toBe(2);
    b.ack(5);
    expect(b.window.snapshot().size).toBe(3);
  });

  test('nothing on the way never times out', () => {
    const b = bench(8);
    b.send(2);
    b.ackAll();
    b.at(1_000_000);
    expect(b.window.nextTimeout()).toBeUndefined();
    expect(b.expire()).toBe(false);
  });
});

describe('RFC 2637 section 4.2.5 and 4.3: what an acknowledgment covers', () => {
  test('every packet up to it; an older or repeated one, or one of what was never sent, says nothing', () => {
    const b = bench(16);
    b.send(5);
    b.at(50);
    b.ack(3);
    const after = b.window.snapshot();
    expect(after.inFlight).toBe(1);
    for (const stale of [3, 1, 0, 5, 99, 0xffff_ffff, 0x8000_0000]) b.ack(stale);
    expect(b.window.snapshot()).toEqual(after);
  });

  test('more packets on the way than were ever remembered at once', () => {
    const b = bench(1_000);
    expect(b.send()).toBe(500);
    b.at(70);
    b.ack(0);
    expect(b.window.snapshot()).toMatchObject({ inFlight: 499, deviationMs: 7.5 });
    b.ack(499);
    expect(b.window.inFlight).toBe(0);
    expect(b.window.snapshot().size).toBe(501);
  });
});

describe('RFC 2637 section 4.4.1: adaptive time-out', () => {
  test('the estimate begins with the Packet Processing Delay, in tenths of a second', () => {
    expect(bench(8, 4).window.snapshot()).toMatchObject({ roundTripMs: 400, deviationMs: 0, timeoutMs: 400 });
    expect(bench(8, 64).window.snapshot()).toMatchObject({ roundTripMs: 6_400, timeoutMs: 5_000 });
    expect(bench(8, 0).window.snapshot()).toMatchObject({ timeoutMs: 100 });
  });

  test('DIFF, DEV, RTT and ATO follow the formulas with gains 1/8, 1/4 and 4', () => {
    const b = bench(8, 4);
    b.send(1);
    b.at(800);
    expect(b.window.nextTimeout()).toBe(400);
    b.ack(0);
    // DIFF = 400, DEV = 0 + (400 - 0) / 4, RTT = 400 + 400 / 8, ATO = 450 + 4 * 100.
    expect(b.window.snapshot()).toMatchObject({ deviationMs: 100, roundTripMs: 450, timeoutMs: 850 });
    b.send(1);
    b.at(1_050);
    b.ack(1);
    // DIFF = 250 - 450, DEV = 100 + (200 - 100) / 4, RTT = 450 - 25, ATO = 425 + 500.
    expect(b.window.snapshot()).toMatchObject({ deviationMs: 125, roundTripMs: 425, timeoutMs: 925 });
  });

  test('the sample is that of the highest packet acknowledged', () => {
    const b = bench(8, 4);
    b.send(1);
    b.at(300);
    b.send(1);
    b.at(400);
    b.ack(1);
    expect(b.window.snapshot().roundTripMs).toBe(400 + (100 - 400) / 8);
  });

  test('it stays between MinTimeOut and MaxTimeOut', () => {
    const quick = bench(8, 0);
    for (let i = 0; i < 100; i += 1) {
      quick.send(1);
      quick.ackAll();
    }
    expect(quick.window.snapshot().timeoutMs).toBe(100);
    const slow = bench(8, 0);
    slow.send(1);
    slow.at(60_000);
    slow.ackAll();
    expect(slow.window.snapshot().timeoutMs).toBe(5_000);
  });
});

describe('RFC 2637 section 4.4.2: back-off', () => {
  test('RTT is doubled at every time-out, DEV stays, the limit holds', () => {
    const b = bench(8, 4);
    b.send();
    b.at(400);
    b.expire();
    expect(b.window.snapshot()).toMatchObject({ roundTripMs: 800, deviationMs: 0, timeoutMs: 800 });
    b.send();
    b.at(1_200);
    b.expire();
    expect(b.window.snapshot()).toMatchObject({ roundTripMs: 1_600, timeoutMs: 1_600 });
  });

  test('it backs off also where the peer named no delay', () => {
    const b = bench(8, 0);
    b.send();
    b.at(100);
    b.expire();
    expect(b.window.snapshot().timeoutMs).toBe(200);
  });

  test('the acknowledgment of a packet that was given up is a sample and no credit', () => {
    const b = bench(8, 0);
    b.send();
    b.at(100);
    b.expire();
    const before = b.window.snapshot();
    b.at(600);
    b.ack(3);
    const after = b.window.snapshot();
    expect(after).toMatchObject({ size: before.size, inFlight: 0 });
    expect(after.roundTripMs).toBe(200 + (600 - 200) / 8);
  });
});

describe('a peer that does not acknowledge (the Linux kernel does it on data only)', () => {
  test('is sent everything after three time-outs in a row, until it acknowledges', () => {
    const b = bench(64, 0, { maxTimeoutMs: 100 });
    for (let round = 1; round <= 3; round += 1) {
      b.send(1);
      b.at(round * 100);
      expect(b.expire()).toBe(true);
    }
    expect(b.send(5_000)).toBe(5_000);
    expect(b.window.nextTimeout()).toBeUndefined();
    expect(b.window.snapshot()).toMatchObject({ limiting: false, timeOuts: 3 });
    b.at(350);
    b.ackAll();
    expect(b.window.snapshot()).toMatchObject({ limiting: true, size: 4 });
    expect(b.send()).toBe(4);
  });

  test('a late acknowledgment in between says that it does acknowledge', () => {
    const b = bench(64, 0, { maxTimeoutMs: 100 });
    for (let round = 1; round <= 6; round += 1) {
      b.send(1);
      b.at(round * 100);
      b.expire();
      b.ack(round - 1);
    }
    expect(b.window.snapshot()).toMatchObject({ limiting: true, timeOuts: 6 });
  });
});
