import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { Capture } from '../../observability/capture/capture.ts';
import { type CaptureRefusal, MOST_CAPTURES } from '../../observability/capture/captures.ts';
import { address } from '../support/batches.ts';
import { captured, capturesOf, octetsOf, order, started } from '../support/capture-bench.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { readPcapng } from '../support/pcapng.ts';

const INTRANET = address('10.0.0.80');

type Client = LabPeer & { readonly address: Ipv4 };

const send = async (lab: GatewayLab, client: Client, count: number): Promise<void> => {
  for (let sent = 0; sent < count; sent += 1) {
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: INTRANET, payload: new Uint8Array(1000) }));
    await lab.clock.advance(1);
    lab.tun.hostReceives();
  }
};

const tunnelUp = async (env = {}): Promise<{ lab: GatewayLab; client: Client }> => {
  const lab = await GatewayLab.start({ env });
  const client = await lab.connect();
  // The acknowledgments of the set-up are out.
  await lab.clock.advance(1_000);
  return { lab, client };
};

const audit = (lab: GatewayLab) =>
  lab.log.lines
    .filter(({ event }) => event.startsWith('capture.'))
    .map(({ level, event, fields }) => ({ level, event, ...fields }));

const refusalOf = (result: Capture | CaptureRefusal): CaptureRefusal => {
  if (result instanceof Capture) throw new Error('the capture was not refused');
  return result;
};

describe('a capture ends', () => {
  it('after the packets that were asked for, with the remarks of the last one', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const octets = octetsOf(started(captures.start(order({ points: ['decrypted'], packets: 3 }))));
    await send(lab, client, 2);
    client.tun.hostSends(ipv4Packet({ source: address('192.0.2.1'), destination: INTRANET }));
    await lab.clock.advance(1);
    await send(lab, client, 2);
    const file = readPcapng(await octets);
    expect(file.packets.map(({ comment }) => comment)).toEqual([
      undefined,
      undefined,
      'dropped by address: spoofed-source',
    ]);
    expect(captures.find('1')).toMatchObject({ end: 'packets', points: [{ point: 'decrypted', written: 3, lost: 0 }] });
  });

  it('after the seconds that were asked for', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const octets = octetsOf(started(captures.start(order({ points: ['tun'], seconds: 2 }))));
    await send(lab, client, 1);
    await lab.clock.advance(2_000);
    await send(lab, client, 1);
    expect(readPcapng(await octets).packets).toHaveLength(1);
    expect(captures.find('1')).toMatchObject({ end: 'seconds', seconds: 2 });
  });

  it('with its tunnel, soon after', async () => {
    const { lab, client } = await tunnelUp();
    const id = lab.gateway.tunnels()[0]?.session.id ?? '';
    const captures = capturesOf(lab);
    const octets = octetsOf(started(captures.start(order({ points: ['gre'], filter: { kind: 'tunnel', id } }))));
    const stopping = client.peer.stop();
    await lab.clock.advance(2_000);
    await stopping;
    expect(readPcapng(await octets).packets.length).toBeGreaterThan(0);
    expect(captures.find('1')).toMatchObject({ end: 'tunnel-ended' });
  });

  it('when its reader goes, at once', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const capture = started(captures.start(order()));
    capture.stream.destroy();
    await lab.clock.advance(1);
    expect(lab.gateway.probes.active).toBeUndefined();
    await send(lab, client, 1);
    expect(captures.find('1')).toMatchObject({ end: 'reader-gone', points: [{ seen: 0 }, {}, {}, {}] });
  });

  it('when it is told to, once, with a complete file', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const octets = octetsOf(started(captures.start(order({ points: ['tun'] }))));
    await send(lab, client, 1);
    expect(captures.end('1')).toBe(true);
    captures.stop();
    const file = readPcapng(await octets);
    expect(file.statistics).toMatchObject([{ point: 'tun', received: 1, dropped: 0, delivered: 1 }]);
    await lab.clock.advance(1);
    expect(captures.end('1')).toBe(false);
    expect(captures.find('1')).toMatchObject({ end: 'asked' });
    expect(captures.find('2')).toBeUndefined();
  });

  it('with the gateway, and its reader gets the rest', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const octets = octetsOf(started(captures.start(order({ points: ['tun'] }))));
    await send(lab, client, 1);
    await lab.stop();
    captures.stop();
    expect(readPcapng(await octets)).toMatchObject({ packets: [{ point: 'tun' }], statistics: [{ delivered: 1 }] });
    expect(captures.find('1')).toMatchObject({ end: 'shutdown' });
  });

  it('and gives a reader that does not read the rest half a minute', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const capture = started(captures.start(order({ points: ['tun'] })));
    await send(lab, client, 1);
    captures.end('1');
    await lab.clock.advance(29_000);
    expect(capture.stream.destroyed).toBe(false);
    await lab.clock.advance(2_000);
    expect(capture.stream.destroyed).toBe(true);
  });
});

describe('a slow reader', () => {
  it('costs captured packets, which are counted, and never a packet of the gateway', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab, { room: 20_000 });
    const capture = started(captures.start(order({ points: ['tun'] })));
    // Nobody reads: what the stream itself holds is filled, then the queue.
    await send(lab, client, 300);
    const { seen, lost, written } = captures.find('1')?.points[0] ?? { seen: 0, lost: 0, written: 0 };
    expect(seen).toBe(300);
    expect(lost).toBeGreaterThan(100);
    expect(seen - lost - written).toBeLessThan(20);
    expect(lab.telemetry.drops.size).toBe(0);

    const file = await captured(capture, async () => {
      await lab.clock.advance(1);
      await send(lab, client, 1);
    });
    expect(file.packets).toHaveLength(301 - lost);
    // The first packet after the gap says how many are missing.
    expect(file.packets.at(-1)?.lostBefore).toBe(lost);
    expect(file.statistics).toMatchObject([{ received: 301, dropped: lost, delivered: 301 - lost }]);
    const ended = audit(lab).find(({ event }) => event === 'capture.ended');
    expect(ended).toMatchObject({ packets: 301 - lost, lost });
  });
});

describe('who may capture what', () => {
  it('what tunnels encrypt only where the configuration allows it', async () => {
    const { lab } = await tunnelUp();
    const captures = capturesOf(lab, { allowDecrypted: false });
    expect(refusalOf(captures.start(order()))).toMatchObject({
      why: 'not-allowed',
      message: expect.stringContaining('PPTP_CAPTURE_DECRYPTED=true'),
    });
    expect(refusalOf(captures.start(order({ points: ['gre'] }))).why).toBe('not-allowed');
    started(captures.start(order({ points: ['gre', 'ppp'], decrypted: false })));
  });

  it('and only when it is asked for in so many words', async () => {
    const { lab } = await tunnelUp();
    const captures = capturesOf(lab);
    for (const point of ['decrypted', 'tun'] as const) {
      expect(refusalOf(captures.start(order({ points: [point], decrypted: false })))).toMatchObject({
        why: 'needs-decrypted',
        message: expect.stringContaining('--decrypted'),
      });
    }
    expect(audit(lab)).toEqual([]);
    expect(lab.gateway.probes.active).toBeUndefined();
  });

  it('a tunnel that is there', async () => {
    const { lab } = await tunnelUp();
    const refusal = refusalOf(capturesOf(lab).start(order({ filter: { kind: 'tunnel', id: 'nothing' } })));
    expect(refusal).toMatchObject({ why: 'no-tunnel', message: expect.stringContaining('no tunnel nothing') });
  });

  it('a few at once; one that ends makes room', async () => {
    const { lab, client } = await tunnelUp();
    const captures = capturesOf(lab);
    const running = Array.from({ length: MOST_CAPTURES }, () => started(captures.start(order({ points: ['tun'] }))));
    const files = running.map((capture) => octetsOf(capture));
    expect(refusalOf(captures.start(order())).why).toBe('too-many');
    await send(lab, client, 2);
    running[0]?.end('asked');
    expect(readPcapng((await files[0]) ?? new Uint8Array(0)).packets).toHaveLength(2);
    await lab.clock.advance(1);
    files.push(octetsOf(started(captures.start(order({ points: ['tun'] })))));
    captures.stop();
    expect((await Promise.all(files)).map((file) => readPcapng(file).packets.length)).toEqual([2, 2, 2, 2, 0]);
    expect(captures.list().map(({ end }) => end)).toEqual(['asked', 'shutdown', 'shutdown', 'shutdown', 'shutdown']);
  });

  it('and every start and end is in the log, as a warning', async () => {
    const { lab, client } = await tunnelUp();
    const filter = { kind: 'user', name: 'alice' } as const;
    const capture = started(capturesOf(lab).start(order({ points: ['tun'], filter, packets: 9, who: 'carol' })));
    await captured(capture, () => send(lab, client, 1));
    const common = { level: 'warn', capture: '1', who: 'carol', points: ['tun'], decrypted: true, user: 'alice' };
    expect(audit(lab)).toMatchObject([
      { ...common, event: 'capture.started', packets: 9 },
      { ...common, event: 'capture.ended', end: 'asked', packets: 1, lost: 0 },
    ]);
    // Names of users are in fields only, where the configuration decides how they are shown.
    const messages = lab.log.lines.filter(({ event }) => event.startsWith('capture.')).map(({ message }) => message);
    expect(messages.join()).not.toContain('alice');
  });
});
