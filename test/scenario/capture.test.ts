import { describe, expect, it, vi } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { readU16 } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PPP, pppProtocol, readPppHeader } from '../../core/wire/ppp.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { address } from '../support/batches.ts';
import { captured, capturesOf, octetsOf, order, started, WALL_CLOCK_MS } from '../support/capture-bench.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { contains, grePacket, injectGre, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { type PcapngFile, type PcapngPacket, readPcapng } from '../support/pcapng.ts';

const INTRANET = address('10.0.0.80');
const SECRET = asciiBytes('nobody on the way may read this line');

const packet = (source: Ipv4, destination: Ipv4, payload = SECRET): Uint8Array =>
  ipv4Packet({ source, destination, payload });

const at = ({ packets }: PcapngFile, point: string): readonly PcapngPacket[] =>
  packets.filter((one) => one.point === point);

/** Of a frame behind its octet of direction; both forms of header occur. */
const protocolOf = ({ bytes }: PcapngPacket): number => pppProtocol(readPppHeader(bytes, 1, bytes.length));

/** User data in one direction, seen at a point: PPP protocols 0x0021 and 0x00FD, or IP. */
const shape = ({ point, direction, bytes, originalLength }: PcapngPacket) => ({
  point,
  direction,
  whole: bytes.length === originalLength,
  clear: contains(bytes, SECRET),
});

const exchange = async (lab: GatewayLab, client: LabPeer & { readonly address: Ipv4 }): Promise<void> => {
  client.tun.hostSends(packet(client.address, INTRANET));
  await lab.clock.advance(10);
  lab.tun.hostSends(packet(INTRANET, client.address));
  await lab.clock.advance(10);
};

const comments = (file: PcapngFile): readonly string[] =>
  file.packets.flatMap(({ point, comment }) => (comment === undefined ? [] : [`${point}: ${comment}`]));

describe('a packet at the four points', () => {
  it('is encrypted outside and in the clear inside, both ways, with one number from point to point', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const file = await captured(started(capturesOf(lab).start(order())), () => exchange(lab, client));
    const first = file.packets.filter(({ packetId }) => packetId === 1).map(shape);
    expect(first).toEqual([
      { point: 'gre', direction: 'in', whole: true, clear: false },
      { point: 'ppp', direction: 'in', whole: true, clear: false },
      { point: 'decrypted', direction: 'in', whole: true, clear: true },
      { point: 'tun', direction: 'in', whole: true, clear: true },
    ]);
    const way = file.packets.find(({ point, direction }) => point === 'tun' && direction === 'out');
    const back = file.packets.filter(({ packetId }) => packetId === way?.packetId).map(shape);
    expect(back).toEqual([
      { point: 'tun', direction: 'out', whole: true, clear: true },
      { point: 'decrypted', direction: 'out', whole: true, clear: true },
      { point: 'ppp', direction: 'out', whole: true, clear: false },
      { point: 'gre', direction: 'out', whole: true, clear: false },
    ]);
  });

  it('has at each the octets that it has there', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const before = lab.wire.seen.length;
    const file = await captured(started(capturesOf(lab).start(order())), () => exchange(lab, client));
    const inner = packet(client.address, INTRANET);
    const frame = [...Uint8Array.of(0, 0xff, 0x03, 0x00, 0x21), ...inner];
    expect(at(file, 'tun')[0]?.bytes).toEqual(inner);
    expect([...(at(file, 'decrypted')[0]?.bytes ?? [])]).toEqual(frame);
    const [sent] = lab.wire.seen.slice(before);
    const gre = at(file, 'gre')[0]?.bytes ?? new Uint8Array(0);
    expect(gre.slice(20)).toEqual(sent?.bytes);
    expect([...gre.slice(0, 20)]).toEqual([
      ...[0x45, 0, 0, gre.length, 0, 0, 0, 0, 64, 47, readU16(gre, 10) >> 8, readU16(gre, 10) & 0xff],
      ...[203, 0, 113, 1, 198, 51, 100, 1],
    ]);
    const ppp = at(file, 'ppp')[0]?.bytes ?? new Uint8Array(0);
    expect(ppp[0]).toBe(0);
    expect(contains(sent?.bytes ?? new Uint8Array(0), ppp.slice(1))).toBe(true);
    expect(at(file, 'ppp').find(({ direction }) => direction === 'out')?.bytes[0]).toBe(1);
  });

  it('and a whole set-up: each frame of the machines is there, in and out, at all points but tun', async () => {
    const lab = await GatewayLab.start();
    const file = await captured(started(capturesOf(lab).start(order())), () => lab.connect());
    const protocols = (point: string, direction: string): string[] => [
      ...new Set(
        at(file, point)
          .filter((one) => one.direction === direction)
          .map((one) => protocolOf(one).toString(16)),
      ),
    ];
    for (const point of ['ppp', 'decrypted']) {
      for (const direction of ['in', 'out']) {
        expect(protocols(point, direction)).toEqual(['c021', 'c223', '80fd', '8021']);
      }
    }
    expect(at(file, 'ppp').length).toBe(at(file, 'decrypted').length);
    // Lone acknowledgments are GRE packets and no frames.
    expect(at(file, 'gre').length).toBeGreaterThan(at(file, 'ppp').length);
    expect(at(file, 'tun')).toEqual([]);
    expect(comments(file)).toEqual([]);
  });

  it('the file says who wrote it and what, and its times are those of the host’s clock', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const file = await captured(started(capturesOf(lab).start(order())), () => exchange(lab, client));
    expect(file.application).toBe('pptp-gateway 1.2.3');
    expect(file.comment).toMatch(/^Captured by root: every tunnel\. .*lies open/);
    expect(file.interfaces.map(({ name, linkType }) => [name, linkType])).toEqual([
      ['gre', 101],
      ['ppp', 204],
      ['decrypted', 204],
      ['tun', 101],
    ]);
    expect(file.interfaces[0]?.description).toMatch(/outer IPv4 header is made up/);
    const times = file.packets.map(({ time }) => time);
    expect(times[0]).toBe(WALL_CLOCK_MS * 1000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual((WALL_CLOCK_MS + 20) * 1000);
  });
});

describe('a packet that the gateway drops', () => {
  it('has the stage and the reason as a comment where it was seen last, and in the statistics', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const capture = started(capturesOf(lab).start(order()));
    const file = await captured(capture, async () => {
      client.tun.hostSends(packet(address('192.0.2.1'), INTRANET));
      await lab.clock.advance(10);
      lab.tun.hostSends(packet(INTRANET, address('10.99.0.77')));
      lab.tun.hostSends(Uint8Array.of(0x45));
      injectGre(client, Uint8Array.of(1, 2, 3));
      injectGre(client, grePacket(1, 0, Uint8Array.of(0xc0, 0x21)));
      await lab.clock.advance(10);
    });
    expect(comments(file)).toEqual([
      'decrypted: dropped by address: spoofed-source',
      'tun: dropped by address: no-route',
      'tun: dropped by address: malformed',
      'gre: dropped by gre: truncated',
      'gre: dropped by call-demux: unknown-call',
    ]);
    expect(file.statistics.map(({ point, comment }) => [point, comment])).toEqual([
      ['gre', 'dropped by the gateway: gre truncated 1, call-demux unknown-call 1'],
      ['ppp', undefined],
      ['decrypted', 'dropped by the gateway: address spoofed-source 1'],
      ['tun', 'dropped by the gateway: address no-route 1, address malformed 1'],
    ]);
  });

  it('is shown at a point that it would have come to, when no point has seen it before', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const drops = async (points: readonly ('ppp' | 'tun' | 'decrypted')[], decrypted: boolean): Promise<PcapngFile> => {
      const [first] = sentFrom(client.outer, lab.wire.seen).filter(({ sequence }) => sequence >= 0);
      const callId = client.peer.call?.peerCallId ?? 0;
      return captured(started(capturesOf(lab).start(order({ points, decrypted }))), async () => {
        client.tun.hostSends(packet(address('192.0.2.1'), INTRANET));
        injectGre(client, grePacket(callId, first?.sequence ?? 0, first?.payload ?? new Uint8Array(0)));
        await lab.clock.advance(10);
      });
    };
    expect(comments(await drops(['ppp'], false))).toEqual([
      'ppp: dropped by sequence: duplicate',
      'ppp: dropped by address: spoofed-source',
    ]);
    expect(comments(await drops(['tun'], true))).toEqual(['tun: dropped by address: spoofed-source']);
  });

  it('is shown even when the device refuses it', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const file = await captured(started(capturesOf(lab).start(order({ points: ['tun'] }))), async () => {
      await lab.tun.stop();
      client.tun.hostSends(packet(client.address, INTRANET));
      await lab.clock.advance(10);
    });
    expect(comments(file)).toEqual(['tun: dropped by tun: device-refused']);
  });

  it('says so of the one packet that the device refuses out of a batch it takes', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    vi.spyOn(lab.gre, 'write').mockImplementation((batch) => {
      batch.drop(batch.order[0] ?? 0, 'too-big');
      return batch.count;
    });
    const file = await captured(started(capturesOf(lab).start(order({ points: ['gre'] }))), async () => {
      lab.tun.hostSends(packet(INTRANET, client.address));
      await lab.clock.advance(10);
    });
    expect(comments(file)).toEqual(['gre: dropped by gre-socket: too-big']);
    expect(file.statistics[0]?.comment).toBe('dropped by the gateway: gre-socket too-big 1');
  });

  it('and one that waits for an earlier one says so, and comes in its turn', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const callId = client.peer.call?.peerCallId ?? 0;
    const next = 1 + Math.max(...sentFrom(client.outer, lab.wire.seen).map(({ sequence }) => sequence));
    const echo = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0);
    const file = await captured(started(capturesOf(lab).start(order({ points: ['gre', 'ppp'] }))), async () => {
      injectGre(client, grePacket(callId, next + 1, echo));
      injectGre(client, grePacket(callId, next, echo));
      await lab.clock.advance(10);
    });
    expect(comments(file)).toEqual(['gre: held by sequence']);
    expect(at(file, 'ppp').filter(({ direction }) => direction === 'in')).toHaveLength(2);
  });
});

describe('without --decrypted', () => {
  const points = ['gre', 'ppp'] as const;
  const secrets = { PPTP_AUTH_METHODS: 'pap,ms-chap-v2', PPTP_MPPE: 'disabled' };

  it('no password is in the file: authentication frames end behind their header and say so', async () => {
    const lab = await GatewayLab.start({ env: secrets });
    const capture = started(capturesOf(lab).start(order({ points, decrypted: false })));
    const octets = octetsOf(capture);
    await lab.connect({ method: papMethod(), link: { encryption: 'disabled' } });
    capture.end('asked');
    const bytes = await octets;
    expect(contains(bytes, asciiBytes('wonderland'))).toBe(false);
    const file = readPcapng(bytes);
    expect(file.comment).toMatch(/Authentication frames are cut/);
    const cut = file.packets.filter(({ bytes: shown, originalLength }) => shown.length < originalLength);
    // One request and one answer, at two points each.
    expect(cut.map(({ point, direction }) => `${point} ${direction}`).toSorted()).toEqual([
      'gre in',
      'gre out',
      'ppp in',
      'ppp out',
    ]);
    expect(new Set(cut.map(({ comment }) => comment))).toEqual(
      new Set(['cut: the rest is captured with --decrypted only']),
    );
  });

  it('no proof of MS-CHAPv2 either, and the rest of the set-up is whole', async () => {
    const lab = await GatewayLab.start();
    const file = await captured(started(capturesOf(lab).start(order({ points, decrypted: false }))), () =>
      lab.connect(),
    );
    const isChap = (one: PcapngPacket): boolean => protocolOf(one) === PPP.chap;
    const frames = at(file, 'ppp');
    expect(frames.filter(isChap).length).toBeGreaterThanOrEqual(3);
    for (const one of frames) expect(one.bytes.length).toBe(isChap(one) ? 7 : one.originalLength);
  });

  it('with it, the password is there', async () => {
    const lab = await GatewayLab.start({ env: secrets });
    const capture = started(capturesOf(lab).start(order({ points })));
    const octets = octetsOf(capture);
    await lab.connect({ method: papMethod(), link: { encryption: 'disabled' } });
    capture.end('asked');
    expect(contains(await octets, asciiBytes('wonderland'))).toBe(true);
  });
});

describe('which packets', () => {
  const USERS = { alice: { password: 'a' }, bob: { password: 'b' } };

  it('of one tunnel only: by session, whatever the point', async () => {
    const lab = await GatewayLab.start({ users: USERS });
    const alice = await lab.connect({ password: 'a' });
    const bob = await lab.connect({ user: 'bob', password: 'b' });
    const id = lab.gateway.tunnels().find(({ session }) => session.identity === 'bob')?.session.id ?? '';
    const capture = started(capturesOf(lab).start(order({ filter: { kind: 'tunnel', id } })));
    const file = await captured(capture, async () => {
      await exchange(lab, alice);
      await exchange(lab, bob);
      lab.tun.hostSends(packet(INTRANET, address('10.99.0.77')));
      injectGre(bob, Uint8Array.of(1, 2, 3));
      await lab.clock.advance(10);
    });
    const addresses = new Set(at(file, 'tun').map(({ bytes, direction }) => bytes[direction === 'in' ? 15 : 19]));
    expect(addresses).toEqual(new Set([bob.address & 0xff]));
    expect(new Set(at(file, 'gre').map(({ bytes, direction }) => bytes[direction === 'in' ? 15 : 19]))).toEqual(
      new Set([bob.outer & 0xff]),
    );
    expect(file.comment).toContain(`tunnel ${id}`);
  });

  it('of one user: from the log-in on, also of calls that come later', async () => {
    const lab = await GatewayLab.start({ users: USERS });
    const alice = await lab.connect({ password: 'a' });
    const capture = started(capturesOf(lab).start(order({ filter: { kind: 'user', name: 'bob' } })));
    const file = await captured(capture, async () => {
      const bob = await lab.connect({ user: 'bob', password: 'b' });
      await exchange(lab, alice);
      await exchange(lab, bob);
    });
    expect(at(file, 'tun')).toHaveLength(2);
    const protocols = new Set(at(file, 'decrypted').map(protocolOf));
    expect(protocols.has(PPP.ipcp)).toBe(true);
    expect(protocols.has(PPP.lcp)).toBe(false);
  });
});
