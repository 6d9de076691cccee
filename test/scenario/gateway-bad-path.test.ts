import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { arrived, numbered, numberOf } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { controlMessages, grePacket, injectGre, sentFrom } from '../support/gre-packets.ts';

const INTRANET = address('10.0.0.80');
const ONE_ADDRESS = { PPTP_POOL: '10.99.0.0/30' };

const received = (device: { hostReceives(): Uint8Array | undefined }): number[] => arrived(device).map(numberOf);

/** 400 packets each way, one of each every 5 ms. */
const TOTAL = 400;
const converse = async (lab: GatewayLab, client: LabPeer & { readonly address: Ipv4 }): Promise<void> => {
  for (let number = 1; number <= TOTAL; number += 1) {
    client.tun.hostSends(numbered(client.address, INTRANET, number));
    lab.tun.hostSends(numbered(INTRANET, client.address, number));
    await lab.clock.advance(5);
  }
  await lab.clock.advance(2_000);
};
const everyNumber = Array.from({ length: TOTAL }, (_, at) => at + 1);
const ascending = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
const drops = (lab: GatewayLab, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (lab.telemetry.drops.get(`sequence in ${name}`) ?? 0), 0);

describe('a path that', () => {
  it('delays and reorders: everything arrives, in order', async () => {
    const lab = await GatewayLab.start({ faults: { delayMs: 20, jitterMs: 30 } });
    const client = await lab.connect();
    await converse(lab, client);
    expect(lab.gre.counts.lost).toBe(0);
    const sent = sentFrom(client.outer, lab.wire.seen).map(({ sequence }) => sequence);
    const overtaken = sent.filter((sequence, at) => sequence >= 0 && sequence < Math.max(...sent.slice(0, at)));
    expect(overtaken.length).toBeGreaterThan(50);
    expect(received(lab.tun)).toEqual(everyNumber);
    expect(received(client.tun)).toEqual(everyNumber);
  });

  it('repeats: everything arrives once, copies are counted', async () => {
    const lab = await GatewayLab.start({ faults: { duplicate: 0.3 } });
    const client = await lab.connect();
    await converse(lab, client);
    expect(received(lab.tun)).toEqual(everyNumber);
    expect(received(client.tun)).toEqual(everyNumber);
    expect(client.gre.counts.duplicated).toBeGreaterThan(50);
    const copiesOfData = client.gre.counts.duplicated - copiesOfAcks(lab, client);
    expect(lab.telemetry.drops.get('sequence in duplicate')).toBe(copiesOfData);
  });

  it('loses, repeats, reorders and delays: in order, each once, and the tunnel stays up', async () => {
    const lab = await GatewayLab.start({
      faults: { loss: 0.1, duplicate: 0.1, reorder: 0.1, delayMs: 15, jitterMs: 10 },
      seed: 3,
    });
    const client = await lab.dial();
    await lab.clock.advance(20_000);
    const inner = client.peer.network?.address;
    if (inner === undefined) throw new Error('the tunnel did not come up');
    await converse(lab, { ...client, address: inner });
    client.gre.flush();
    lab.gre.flush();
    await lab.clock.advance(1_000);

    const atHost = received(lab.tun);
    const atClient = received(client.tun);
    expect(atHost).toEqual(ascending(atHost));
    expect(atClient).toEqual(ascending(atClient));
    expect(atHost.length).toBeGreaterThan(TOTAL * 0.8);
    // What did not arrive was lost on the way, or came too late and was counted.
    const missing = TOTAL - atHost.length;
    expect(client.gre.counts.lost + drops(lab, ['late', 'reorder-overflow'])).toBeGreaterThanOrEqual(missing);
    expect(lab.telemetry.dropsFor('decrypt-failed')).toBe(0);
    expect(lab.gateway.sessions()).toBe(1);
    expect(client.events.map(({ kind }) => kind)).toEqual(['up']);
  });
});

/** Copies of lone acknowledgments have no sequence number and are no duplicates. */
const copiesOfAcks = (lab: GatewayLab, client: LabPeer): number => {
  const acks = sentFrom(client.outer, lab.wire.seen).filter(({ sequence }) => sequence < 0);
  return acks.length - new Set(acks.map(({ acknowledgment }) => acknowledgment)).size;
};

describe('a client that', () => {
  it('vanishes altogether is found out by the echoes of the control connection, and its address is free', async () => {
    const lab = await GatewayLab.start({ env: ONE_ADDRESS });
    const client = await lab.connect();
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;
    client.pipe.cut();

    // 60 s of silence, then 60 s for the Echo-Reply; the set-up took a second of it.
    await lab.clock.advance(118_000);
    expect(lab.gateway.sessions()).toBe(1);
    await lab.clock.advance(3_000);
    expect(lab.gateway.sessions()).toBe(0);
    const closed = lab.log.lines.find(({ event }) => event === 'session.closed');
    expect(closed?.fields).toMatchObject({ reason: 'control-lost', user: 'alice', address: '10.99.0.2' });
    expect((await lab.connect()).address).toBe(client.address);
  });

  it('loses its GRE path is found out by LCP echoes: call cleared, session gone, address free', async () => {
    const lab = await GatewayLab.start({ env: ONE_ADDRESS });
    const client = await lab.connect();
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;

    // One quiet interval, then four echoes without an answer; the set-up took a second of it.
    await lab.clock.advance(5 * 30_000 - 1_500);
    expect(lab.gateway.sessions()).toBe(1);
    await lab.clock.advance(1_000);
    expect(lab.gateway.sessions()).toBe(0);
    const cleared = controlMessages(client.pipe.writtenBy('right')).at(-1);
    expect(cleared).toMatchObject({ kind: 'call-disconnect-notify', resultCode: 1 });
    expect(lab.log.lines.at(-1)).toMatchObject({
      event: 'session.closed',
      fields: { reason: 'link-dead', user: 'alice', address: '10.99.0.2' },
    });

    const next = await lab.connect();
    expect(next.address).toBe(client.address);
  });

  it('vanishes during set-up is given up, with the phase it was in as the failure', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.dial();
    // LCP opens; from then on nothing comes back.
    lab.wire.filter = ({ outerSource, bytes }) => outerSource !== client.outer || !isChap(bytes);
    await lab.clock.advance(60_000);
    expect(lab.gateway.sessions()).toBe(0);
    const [trace] = lab.telemetry.traces;
    expect(trace?.phases.map(({ name }) => name)).toEqual(['control', 'lcp', 'auth']);
    expect(trace?.phases.at(-1)?.failure?.error).toBe('authentication-failed');
    expect(trace?.failure?.error).toBe('authentication-failed');
  });

  it('sends no GRE packet at all: said after 10 s, once, and given up later', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.dial();
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;
    await lab.clock.advance(9_990);
    expect(lab.log.lines.map(({ event }) => event)).toEqual(['call.opened']);
    await lab.clock.advance(20);
    expect(lab.log.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      'info call.opened',
      'warn gre.blocked',
    ]);
    expect(lab.log.lines[1]?.message).toContain('drops IP protocol 47 (GRE)');
    expect(lab.telemetry.events.map(({ name }) => name)).toEqual(['gre.blocked']);

    await lab.clock.advance(60_000);
    expect(lab.gateway.sessions()).toBe(0);
    const closed = lab.log.lines.find(({ event }) => event === 'session.closed');
    expect(closed?.fields).toMatchObject({ reason: 'no-gre' });
    expect(lab.log.events('warn')).toEqual(['gre.blocked']);
  });

  it('hangs up is gone at once', async () => {
    const lab = await GatewayLab.start({ env: ONE_ADDRESS });
    const client = await lab.connect();
    client.peer.hangUp();
    await lab.clock.advance(10);
    expect(lab.gateway.sessions()).toBe(0);
    expect(client.events.at(-1)).toMatchObject({ kind: 'call-closed' });
    expect(lab.log.lines.at(-1)).toMatchObject({ event: 'session.closed', fields: { reason: 'peer-request' } });

    lab.wire.seen.length = 0;
    lab.tun.hostSends(numbered(INTRANET, client.address, 1));
    await lab.clock.advance(1_000);
    expect(lab.wire.seen).toEqual([]);
    expect(lab.telemetry.drops.get('address out no-route')).toBe(1);
    expect((await lab.connect()).address).toBe(client.address);
  });

  it('speaks with an inner address that is not its own is not heard', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    client.tun.hostSends(numbered(address('10.99.0.99'), INTRANET, 1));
    client.tun.hostSends(numbered(client.address, INTRANET, 2));
    await lab.clock.advance(10);
    expect(received(lab.tun)).toEqual([2]);
    expect([...lab.telemetry.drops]).toEqual([['address in spoofed-source', 1]]);
  });

  it('sends user data in the clear where encryption is required is not heard', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const call = client.peer.call;
    if (call === undefined) throw new Error('no call');
    const next = 1 + Math.max(...sentFrom(client.outer, lab.wire.seen).map(({ sequence }) => sequence));
    const clear = concatBytes(Uint8Array.of(0xff, 0x03, 0x00, 0x21), numbered(client.address, INTRANET, 1));
    injectGre(client, grePacket(call.peerCallId, next, clear));
    await lab.clock.advance(10);
    expect(received(lab.tun)).toEqual([]);
    expect([...lab.telemetry.drops]).toEqual([['mppe in unencrypted', 1]]);
    expect(lab.gateway.sessions()).toBe(1);
  });

  it('is not the one who opened the call cannot speak in it', async () => {
    const lab = await GatewayLab.start({ users: { alice: { password: 'a' }, bob: { password: 'b' } } });
    const alice = await lab.connect({ password: 'a' });
    const bob = await lab.connect({ user: 'bob', password: 'b' });
    const call = alice.peer.call;
    if (call === undefined) throw new Error('no call');
    injectGre(bob, grePacket(call.peerCallId, 50, Uint8Array.of(0xc0, 0x21, 5, 1, 0, 4)));
    injectGre(bob, grePacket((call.peerCallId + 1) & 0xffff, 50, Uint8Array.of(0xc0, 0x21, 5, 1, 0, 4)));
    await lab.clock.advance(5_000);
    expect([...lab.telemetry.drops]).toEqual([
      ['call-demux in wrong-peer', 1],
      ['call-demux in unknown-call', 1],
    ]);
    expect(lab.gateway.sessions()).toBe(2);
  });
});

const isChap = (gre: Uint8Array): boolean => {
  const text = Buffer.from(gre).toString('hex');
  return /^(?:.{24}|.{32})(?:ff03)?c223/.test(text);
};
