import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, SERVER } from '../support/gateway-lab.ts';
import { grePacket, injectGre, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { traced, tracedBy, traceLines } from '../support/packet-traces.ts';

const INTRANET = address('10.0.0.80');
/** LCP, as a PPP frame: magic number 0. */
const ECHO_REQUEST = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 0x09, 1, 0, 8, 0, 0, 0, 0);
const packet = (source: Ipv4, destination: Ipv4, octets = 100): Uint8Array =>
  ipv4Packet({ source, destination, payload: new Uint8Array(octets - 20) });

describe('a traced packet', () => {
  it('of the peer shows every stage on the way in, with its sizes and numbers', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { packets: 1 });
    lab.wire.seen.length = 0;
    alice.tun.hostSends(packet(alice.address, INTRANET));
    await lab.clock.advance(5);

    const [sent] = sentFrom(alice.outer, lab.wire.seen);
    const [trace, ...more] = traces;
    if (trace === undefined || sent === undefined) throw new Error('nothing was traced');
    expect(more).toEqual([]);
    expect(traceLines(trace)).toEqual([
      'in: delivered',
      'gre 117 > 105',
      'call-demux 105 > 105',
      'sequence 105 > 105',
      'ppp 105 > 104',
      'mppe 104 > 100',
      'mss-clamp 100 > 100',
      'address 100 > 100',
      'tun 100 > 100 device',
    ]);
    expect(trace).toMatchObject({
      rule: '1',
      origin: undefined,
      protocol: 0x0021,
      sequence: sent.sequence,
      mppeHeader: ((sent.payload[1] ?? 0) << 8) | (sent.payload[2] ?? 0),
      began: lab.clock.now() - 5,
      setup: { traceId: lab.telemetry.traces[0]?.traceId },
    });
    expect(trace.session?.identity).toBe('alice');
  });

  it('of the intranet shows every stage on the way out', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { packets: 1 });
    lab.wire.seen.length = 0;
    lab.tun.hostSends(packet(INTRANET, alice.address));
    await lab.clock.advance(5);

    const [sent] = sentFrom(SERVER, lab.wire.seen);
    const [trace] = traces;
    if (trace === undefined || sent === undefined) throw new Error('nothing was traced');
    expect(traceLines(trace)).toEqual([
      'out: delivered',
      'address 100 > 100',
      'mtu 100 > 100',
      'mss-clamp 100 > 100',
      'mppe 100 > 104',
      'ppp 104 > 105',
      'gre 105 > 117',
      'gre-socket 117 > 117 device',
    ]);
    expect(trace).toMatchObject({
      protocol: 0x0021,
      sequence: sent.sequence,
      mppeHeader: ((sent.payload[1] ?? 0) << 8) | (sent.payload[2] ?? 0),
    });
  });

  it('that the gateway made itself begins in its outbox', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, {});
    alice.tun.hostSends(packet(alice.address, INTRANET));
    await lab.clock.advance(1_000);
    const acknowledgment = traces.find(({ origin }) => origin === 'acknowledgments');
    if (acknowledgment === undefined) throw new Error('no acknowledgment was traced');
    expect(traceLines(acknowledgment)).toEqual([
      'out: delivered',
      'acknowledgments waits (outbox)',
      'gre 0 > 12',
      'gre-socket 12 > 12 device',
    ]);
    expect(acknowledgment).toMatchObject({ sequence: undefined, acknowledgment: expect.any(Number) });
  });

  it('of a machine ends where it is handed over', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, {});
    injectGre(alice, grePacket(alice.peer.call?.peerCallId ?? 0, numberAfter(lab, alice.outer), ECHO_REQUEST));
    await lab.clock.advance(1);
    const [echo] = traces;
    if (echo === undefined) throw new Error('nothing was traced');
    expect(echo.protocol).toBe(0xc021);
    expect(traceLines(echo)).toEqual([
      'in: diverted',
      'gre 24 > 12',
      'call-demux 12 > 12',
      'sequence 12 > 12',
      'ppp 12 > 8',
    ]);
  });

  it('of a client that dials is found by the other stage for addresses', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces, tracing } = traced(alice.peer);
    tracing.addRule({});
    alice.tun.hostSends(packet(alice.address, INTRANET));
    lab.tun.hostSends(packet(INTRANET, alice.address));
    await lab.clock.advance(5);
    const ends = traces.map(({ direction, outcome, steps }) => [
      direction,
      outcome,
      steps[0]?.stage,
      steps.at(-1)?.stage,
    ]);
    expect(ends.toSorted()).toEqual([
      ['in', 'delivered', 'gre', 'tun'],
      ['out', 'delivered', 'client-route', 'gre-socket'],
    ]);
    expect(traces.map(({ setup }) => setup?.traceId)).toEqual([1, 2].map(() => alice.telemetry.traces[0]?.traceId));
  });

  it('takes the pieces it is cut into with it', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { packets: 1 });
    for (let i = 0; i < 2; i += 1) lab.tun.hostSends(packet(INTRANET, alice.address, 1_500));
    await lab.clock.advance(5);
    expect(traces.map(({ origin, outcome }) => ({ origin, outcome }))).toEqual([
      { origin: undefined, outcome: 'delivered' },
      { origin: 'mtu', outcome: 'delivered' },
    ]);
    const [whole, piece] = traces.map(traceLines);
    expect(whole?.slice(0, 4)).toEqual([
      'out: delivered',
      'address 1500 > 1500',
      'mtu 1500 > 1396',
      'mss-clamp 1396 > 1396',
    ]);
    expect(piece?.slice(0, 3)).toEqual(['out: delivered', 'mss-clamp 124 > 124', 'mppe 124 > 128']);
  });

  it('that is dropped ends at the stage that dropped it', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, {});
    alice.tun.hostSends(packet(address('10.99.0.77'), INTRANET));
    await lab.clock.advance(5);
    expect(traces.map(traceLines)).toEqual([
      expect.arrayContaining(['in: spoofed-source', 'mppe 104 > 100', 'address 100 > 100']),
    ]);
    expect(traces[0]?.steps.at(-1)).toMatchObject({ stage: 'address' });
  });
});

describe('a traced packet that waits', () => {
  it('for a number before it goes on when the number comes, with the time it waited', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { user: 'alice' });
    const [early] = await swapped(lab, alice, 40);
    const waited = traces.find(({ sequence }) => sequence === early);
    if (waited === undefined) throw new Error('the early packet was not traced');
    expect(traceLines(waited)).toEqual([
      'in: delivered',
      'gre 117 > 105',
      'call-demux 105 > 105',
      'sequence 105 > 105',
      'sequence waits (reorder)',
      'ppp 105 > 104',
      'mppe 104 > 100',
      'mss-clamp 100 > 100',
      'address 100 > 100',
      'tun 100 > 100 device',
    ]);
    const wait = waited.steps.find(({ kind }) => kind === 'queue');
    expect((wait?.ended ?? 0) - (wait?.began ?? 0)).toBe(40);
    expect(traces.filter(({ sequence }) => sequence === early)).toHaveLength(1);
  });

  it('for a gap that is given up goes on with those that the driver releases', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { user: 'alice' });
    let lost = 1;
    lab.wire.filter = ({ outerSource }) => {
      if (outerSource === alice.outer) lost -= 1;
      return lost < 0 || outerSource !== alice.outer;
    };
    for (let i = 0; i < 2; i += 1) alice.tun.hostSends(packet(alice.address, INTRANET));
    await lab.clock.advance(1_000);
    const inbound = traces.filter(({ direction }) => direction === 'in').map(traceLines);
    expect(inbound).toEqual([
      expect.arrayContaining(['in: delivered', 'sequence waits (reorder)', 'mppe 104 > 100', 'tun 100 > 100 device']),
    ]);
  });

  it('for room in the peer’s window goes on when there is some', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_GRE_WINDOW: 'on' }, faults: { delayMs: 50 } });
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { user: 'alice' });
    lab.wire.seen.length = 0;
    for (let i = 0; i < 60; i += 1) lab.tun.hostSends(packet(INTRANET, alice.address, 100 + i));
    await lab.clock.advance(5_000);
    const out = traces.filter(({ direction, protocol }) => direction === 'out' && protocol === 0x0021);
    expect(out).toHaveLength(60);
    const waited = out.filter(({ steps }) => steps.some(({ kind }) => kind === 'queue'));
    expect(waited.length).toBeGreaterThan(10);
    for (const trace of waited) {
      const size = trace.steps[0]?.kind === 'stage' ? trace.steps[0].octetsIn : 0;
      expect(traceLines(trace)).toEqual([
        'out: delivered',
        `address ${size} > ${size}`,
        `mtu ${size} > ${size}`,
        `mss-clamp ${size} > ${size}`,
        `mppe ${size} > ${size + 4}`,
        `ppp ${size + 4} > ${size + 5}`,
        `gre-window ${size + 5} > ${size + 5}`,
        'gre-window waits (window)',
        expect.stringMatching(`^gre ${size + 5} > `),
        expect.stringMatching(/^gre-socket .* device$/),
      ]);
    }
    // Each went on as itself: numbers rise with the sizes.
    const numbers = out.toSorted((a, b) => sizeOf(a) - sizeOf(b)).map(({ sequence }) => sequence);
    expect(numbers).toEqual([...numbers].sort((a, b) => Number(a) - Number(b)));
    expect(new Set(numbers).size).toBe(60);
  });
});

describe('rules', () => {
  it('for drops trace what is dropped and nothing else, before and after a session is known', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { dropsOnly: true });
    injectGre(alice, grePacket(0x7777, 0, asciiBytes('nobody')));
    alice.tun.hostSends(packet(alice.address, INTRANET));
    alice.tun.hostSends(packet(address('10.99.0.77'), INTRANET));
    lab.tun.hostSends(packet(INTRANET, address('10.99.0.200')));
    await lab.clock.advance(5);
    expect(traces.map(traceLines)).toEqual([
      ['in: unknown-call', 'gre 18 > 6', 'call-demux 6 > 6'],
      ['out: no-route', 'address 100 > 100'],
      [
        'in: spoofed-source',
        'gre 117 > 105',
        'call-demux 105 > 105',
        'sequence 105 > 105',
        'ppp 105 > 104',
        'mppe 104 > 100',
        'mss-clamp 100 > 100',
        'address 100 > 100',
      ],
    ]);
    expect(traces.map(({ session }) => session?.identity)).toEqual([undefined, undefined, 'alice']);
  });

  it('for drops follow a packet through the queue where it waits', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces } = tracedBy(lab, { dropsOnly: true, user: 'alice' });
    const next = numberAfter(lab, alice.outer);
    const id = alice.peer.call?.peerCallId ?? 0;
    injectGre(alice, grePacket(id, next + 1, Uint8Array.of(0xfd, 0x80, 0x00, 1, 2, 3)));
    await lab.clock.advance(30);
    expect(traces).toEqual([]);
    injectGre(alice, grePacket(id, next, ECHO_REQUEST));
    await lab.clock.advance(30);
    expect(traces.map(traceLines)).toEqual([
      [
        'in: unencrypted',
        'gre 18 > 6',
        'call-demux 6 > 6',
        'sequence 6 > 6',
        'sequence waits (reorder)',
        'ppp 6 > 5',
        'mppe 5 > 5',
      ],
    ]);
    expect(traces[0]).toMatchObject({ sequence: next + 1, mppeHeader: 0x8000 });
  });

  it('about a user or a tunnel leave others alone', async () => {
    const users = { alice: { password: 'a' }, bob: { password: 'b' } };
    const lab = await GatewayLab.start({ users });
    const alice = await lab.connect({ password: 'a' });
    const bob = await lab.connect({ user: 'bob', password: 'b' });
    const { traces, tracing } = traced(lab.gateway);
    const talk = async (): Promise<void> => {
      for (const one of [alice, bob]) {
        one.tun.hostSends(packet(one.address, INTRANET));
        lab.tun.hostSends(packet(INTRANET, one.address));
      }
      await lab.clock.advance(1);
    };
    const whose = (): readonly (string | undefined)[] => traces.map(({ session }) => session?.identity).splice(0);
    const first = tracing.addRule({ user: 'bob' });
    await talk();
    expect(whose()).toEqual(['bob', 'bob']);
    traces.length = 0;
    first?.remove();
    const [tunnel] = lab.gateway.tunnels();
    if (tunnel === undefined) throw new Error('no tunnel');
    tracing.addRule({ tunnel: tunnel.session.id });
    await talk();
    expect(whose()).toEqual(['alice', 'alice']);
  });

  it('end after their packets or their time, or when told to, and the probe goes with the last of them', async () => {
    const lab = await GatewayLab.start();
    const alice = await lab.connect();
    const { traces, tracing } = traced(lab.gateway);
    const talk = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) alice.tun.hostSends(packet(alice.address, INTRANET));
      await lab.clock.advance(1);
    };
    expect(lab.gateway.probes.active).toBeUndefined();
    tracing.addRule({ packets: 3 });
    await talk(2);
    expect(tracing.rules()).toEqual([{ id: '1', packets: 3, traced: 2, suppressed: 0, leftMs: undefined }]);
    await talk(2);
    expect(tracing.rules()).toEqual([]);
    expect(traces).toHaveLength(3);
    expect(lab.gateway.probes.active).toBeUndefined();

    tracing.addRule({ forMs: 500 });
    await lab.clock.advance(499);
    expect(tracing.rules()).toMatchObject([{ id: '2', leftMs: 1 }]);
    await lab.clock.advance(1);
    expect(tracing.rules()).toEqual([]);
    traces.length = 0;
    await talk(1);
    expect(traces).toEqual([]);
    expect(lab.gateway.probes.active).toBeUndefined();

    const handle = tracing.addRule({});
    expect(handle?.remove()).toBe(true);
    expect(handle?.remove()).toBe(false);
    expect(lab.gateway.probes.active).toBeUndefined();
  });

  it('are bounded in number', async () => {
    const { tracing } = traced(new GatewayLab().gateway);
    const handles = Array.from({ length: 17 }, () => tracing.addRule({ user: 'nobody' }));
    expect(handles.filter((handle) => handle === undefined)).toHaveLength(1);
    expect(handles.at(-1)).toBeUndefined();
    handles[0]?.remove();
    expect(tracing.addRule({})).toBeDefined();
  });
});

const sizeOf = ({ steps }: { readonly steps: readonly { kind: string; octetsIn?: number }[] }): number =>
  steps[0]?.octetsIn ?? 0;

const numberAfter = (lab: GatewayLab, outer: Ipv4): number =>
  1 + Math.max(...sentFrom(outer, lab.wire.seen).map(({ sequence }) => sequence));

/** Two packets of the peer arrive in the wrong order, the first `ms` after the second. Returns their numbers, early one first. */
async function swapped(
  lab: GatewayLab,
  alice: Awaited<ReturnType<GatewayLab['connect']>>,
  ms: number,
): Promise<readonly number[]> {
  const late: Uint8Array[] = [];
  lab.wire.filter = ({ outerSource, bytes }) => {
    if (outerSource !== alice.outer || late.length > 0) return true;
    late.push(bytes);
    return false;
  };
  const next = numberAfter(lab, alice.outer);
  for (let i = 0; i < 2; i += 1) alice.tun.hostSends(packet(alice.address, INTRANET));
  await lab.clock.advance(ms);
  injectGre(alice, ...late);
  await lab.clock.advance(1);
  return [next + 1, next];
}
