import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { arrived, numbered, numberOf } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer, SERVER } from '../support/gateway-lab.ts';
import { controlMessages, sentFrom } from '../support/gre-packets.ts';

const INTRANET = address('10.0.0.80');
const WINDOW_ON = { PPTP_GRE_WINDOW: 'on' };
/** What the client says of itself. */
const CLIENT_WINDOW = 64;

const received = (device: { hostReceives(): Uint8Array | undefined }): number[] => arrived(device).map(numberOf);
const upTo = (total: number): number[] => Array.from({ length: total }, (_, at) => at + 1);

/** Packets of the gateway on the way at once, at most, as the two wires show it; `delay` is the way to the gateway. */
const mostOnTheWay = (lab: GatewayLab, client: LabPeer, delay: number): number => {
  const data = sentFrom(SERVER, lab.wire.seen).filter(({ sequence }) => sequence >= 0);
  const acks = sentFrom(client.outer, lab.wire.seen).filter(({ acknowledgment }) => acknowledgment >= 0);
  let most = 0;
  for (const { at, sequence } of data) {
    const known = acks.filter((ack) => ack.at + delay <= at).at(-1)?.acknowledgment ?? -1;
    most = Math.max(most, sequence - known);
  }
  return most;
};

const download = async (lab: GatewayLab, inner: Ipv4, total: number, everyMs: number): Promise<void> => {
  for (let number = 1; number <= total; number += 1) {
    lab.tun.hostSends(numbered(INTRANET, inner, number));
    await lab.clock.advance(everyMs);
  }
  await lab.clock.advance(5_000);
};

describe('with PPTP_GRE_WINDOW=on', () => {
  it('no more is on the way than the client has room for, and everything arrives in order', async () => {
    const lab = await GatewayLab.start({ env: WINDOW_ON, faults: { delayMs: 30 } });
    const client = await lab.connect();
    await download(lab, client.address, 250, 1);
    expect(received(client.tun)).toEqual(upTo(250));
    expect(mostOnTheWay(lab, client, 30)).toBeGreaterThanOrEqual(CLIENT_WINDOW / 2);
    expect(mostOnTheWay(lab, client, 30)).toBeLessThanOrEqual(CLIENT_WINDOW);
    expect(lab.telemetry.dropsFor('queue-full')).toBe(0);
  });

  it('off, the same download has far more on the way', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_GRE_WINDOW: 'off' }, faults: { delayMs: 30 } });
    const client = await lab.connect();
    await download(lab, client.address, 250, 1);
    expect(received(client.tun)).toEqual(upTo(250));
    expect(mostOnTheWay(lab, client, 30)).toBeGreaterThan(CLIENT_WINDOW);
  });

  it('what finds the queue full is dropped by name; the rest arrives in order, and encryption goes on', async () => {
    const lab = await GatewayLab.start({ env: { ...WINDOW_ON, PPTP_GRE_WINDOW_QUEUE: '8' }, faults: { delayMs: 50 } });
    const client = await lab.connect();
    for (const number of upTo(100)) lab.tun.hostSends(numbered(INTRANET, client.address, number));
    await lab.clock.advance(5_000);
    const numbers = received(client.tun);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.length + lab.telemetry.dropsFor('queue-full')).toBe(100);
    expect(lab.telemetry.drops.get('gre-window out queue-full')).toBeGreaterThan(50);
    lab.tun.hostSends(numbered(INTRANET, client.address, 500));
    await lab.clock.advance(1_000);
    expect(received(client.tun)).toEqual([500]);
  });

  it('a client whose acknowledgments never come is sent everything all the same, and stays up', async () => {
    const lab = await GatewayLab.start({ env: WINDOW_ON });
    const client = await lab.connect();
    // What the client sends of itself in a download is nothing but lone acknowledgments.
    lab.wire.filter = ({ outerSource, bytes }) => outerSource !== client.outer || (bytes[0] ?? 0) !== 0x20;
    await download(lab, client.address, 300, 10);
    expect(received(client.tun)).toEqual(upTo(300));
    const timeOuts = lab.log.lines.filter(({ event }) => event === 'gre.window-timeout');
    expect(timeOuts.length).toBeGreaterThanOrEqual(3);
    expect(timeOuts[0]).toMatchObject({ level: 'debug', fields: { timeOuts: 1, limiting: true } });
    expect(timeOuts[2]?.fields).toMatchObject({ timeOuts: 3, limiting: false });
    expect(lab.gateway.sessions()).toBe(1);
    client.peer.hangUp();
    await lab.clock.advance(100);
    const closed = lab.log.lines.find(({ event }) => event === 'session.closed');
    expect(closed?.fields).toMatchObject({ windowTimeOuts: timeOuts.length, windowDropped: 0, window: 4 });
  });

  it('loss on the way halves the window and recovers', async () => {
    const lab = await GatewayLab.start({ env: WINDOW_ON, faults: { delayMs: 20, loss: 0.05 }, seed: 5 });
    const client = await lab.dial();
    await lab.clock.advance(20_000);
    const inner = client.peer.network?.address;
    if (inner === undefined) throw new Error('the tunnel did not come up');
    await download(lab, inner, 400, 8);
    const numbers = received(client.tun);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.length).toBeGreaterThan(340);
    expect(lab.gateway.sessions()).toBe(1);
  });
});

describe('Wan-Error-Notify (RFC 2637 section 2.14)', () => {
  it('tells the client of packets that never came, at most once a minute', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    let sent = 0;
    lab.wire.filter = ({ outerSource, bytes }) => {
      if (outerSource !== client.outer || (bytes[0] ?? 0) !== 0x30) return true;
      sent += 1;
      return sent % 10 !== 5;
    };
    for (const number of upTo(100)) {
      client.tun.hostSends(numbered(client.address, INTRANET, number));
      await lab.clock.advance(20);
    }
    await lab.clock.advance(61_000);
    const told = controlMessages(client.pipe.writtenBy('right')).filter(({ kind }) => kind === 'wan-error-notify');
    expect(told).toMatchObject([
      { crcErrors: 0, timeOutErrors: 1 },
      { crcErrors: 0, bufferOverruns: 0, timeOutErrors: 10 },
    ]);
  });
});
