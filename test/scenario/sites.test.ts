import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { address } from '../support/batches.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { controlMessages } from '../support/gre-packets.ts';
import { GreWire } from '../support/gre-wire.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { type LabSite, twoSites } from '../support/site-lab.ts';

const LOW = address('198.51.100.1');
const HIGH = address('203.0.113.1');
/** The server's inner address and the first of its pool. */
const INNER = { low: address('10.1.0.1'), high: address('10.2.0.1') };
const LEASED = { ofLow: address('10.1.0.2'), ofHigh: address('10.2.0.2') };

const sites = async (passwords: readonly [string?, string?] = []) => {
  const clock = new FakeClock();
  const wire = new GreWire(clock);
  const [low, high] = await twoSites(clock, wire, [LOW, HIGH], passwords);
  return { clock, wire, low, high };
};

const tunnels = (...all: readonly LabSite[]): number => all.reduce((sum, { gateway }) => sum + gateway.sessions(), 0);
const drops = (...all: readonly LabSite[]): unknown[] => all.flatMap(({ telemetry }) => [...telemetry.drops]);

/** A packet each way through the tunnel that `client` dialled; what arrived. */
const talk = async (
  clock: FakeClock,
  client: LabSite,
  server: LabSite,
  ends: { client: typeof LOW; server: typeof LOW },
) => {
  const there = ipv4Packet({ source: ends.client, destination: ends.server, payload: asciiBytes('there') });
  const back = ipv4Packet({ source: ends.server, destination: ends.client, payload: asciiBytes('and back') });
  const device = client.dialledTuns.at(-1);
  device?.hostSends(there);
  server.tun.hostSends(back);
  await clock.advance(200);
  expect(server.tun.hostReceives()).toEqual(there);
  expect(device?.hostReceives()).toEqual(back);
};

describe('two gateways that dial each other', () => {
  it('at the same moment: the higher address keeps its connection, and there is one tunnel', async () => {
    const { clock, low, high } = await sites();
    low.tunnel.start();
    high.tunnel.start();
    await clock.advance(120_000);
    // Both requests were sent before either was answered.
    const sent = (site: LabSite, end: 'left' | 'right') =>
      site.pipes.map((pipe) => controlMessages(pipe.writtenBy(end)).map(({ kind }) => kind)[0]);
    expect(sent(low, 'left')).toEqual(['start-control-connection-request']);
    expect(sent(low, 'right')).toEqual([undefined]);
    expect(sent(high, 'right')).toEqual(['start-control-connection-reply']);

    expect([low.control.connectionCount, high.control.connectionCount]).toEqual([1, 0]);
    expect([tunnels(low), tunnels(high)]).toEqual([1, 0]);
    expect([low.story.at(-1), high.story.at(-1)]).toEqual(['down', 'up 10.1.0.2']);
    expect(low.said('site.down')).toEqual([expect.stringMatching(/^DIAL_YIELDED: /)]);
    expect(low.telemetry.traces.filter(({ failure }) => failure?.error === 'DIAL_YIELDED')).toEqual([]);
    expect(low.said('site.waiting')).toHaveLength(1);
    expect(high.said('site.down')).toEqual([]);
    await talk(clock, high, low, { client: LEASED.ofLow, server: INNER.low });
    expect(drops(low, high)).toEqual([]);
  });

  it('one after the other: the second does not dial while the first has a tunnel, and does when it has gone', async () => {
    const { clock, low, high } = await sites();
    low.tunnel.start();
    await clock.advance(5_000);
    high.tunnel.start();
    await clock.advance(600_000);
    expect(high.pipes).toHaveLength(0);
    expect(high.said('site.waiting')).toHaveLength(1);
    await talk(clock, low, high, { client: LEASED.ofHigh, server: INNER.high });

    const stopping = low.tunnel.stop();
    await clock.advance(10_000);
    await stopping;
    expect(low.story.at(-1)).toBe('down');
    expect(high.story.at(-1)).toBe('up 10.1.0.2');
    expect([tunnels(low), tunnels(high)]).toEqual([1, 0]);
    await talk(clock, high, low, { client: LEASED.ofLow, server: INNER.low });
    expect(drops(low, high)).toEqual([]);
  });

  it('a request that arrives while our connection is on its way to its own: ours is not used', async () => {
    const { clock, low, high } = await sites();
    low.tunnel.start();
    // The line is there and the client still opens its devices: one turn of the promises at a time.
    for (let turn = 0; turn < 200 && low.pipes.length === 0; turn += 1) await Promise.resolve();
    expect(low.pipes).toHaveLength(1);
    const gone = low.collisions.serve(HIGH);
    await clock.advance(500);
    expect(controlMessages(low.pipes[0]?.writtenBy('left') ?? new Uint8Array(0))).toEqual([]);
    await clock.advance(60_000);
    expect(low.pipes).toHaveLength(1);
    gone();
    await clock.advance(1_000);
    expect(low.story.at(-1)).toBe('up 10.2.0.2');
    expect(high.control.connectionCount).toBe(1);
  });

  it('whatever the moments of the two are, one tunnel is left', async () => {
    for (const [first, later] of [
      ['low', 'high'],
      ['high', 'low'],
    ] as const) {
      for (let turns = 0; turns < 60; turns += 3) {
        const lab = await sites();
        lab[first].tunnel.start();
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        lab[later].tunnel.start();
        await lab.clock.advance(120_000);
        expect(tunnels(lab.low, lab.high), `${first} first, by ${turns} turns`).toBe(1);
        expect(lab.low.control.connectionCount + lab.high.control.connectionCount).toBe(1);
        expect(drops(lab.low, lab.high)).toEqual([]);
      }
    }
    // Forty labs: seconds on a machine that has nothing else to do.
  }, 60_000);
});

describe('a gateway that cannot dial', () => {
  it('goes on taking calls, tries a refused user again ten minutes later, and says so', async () => {
    const { clock, low, high } = await sites(['wrong']);
    low.tunnel.start();
    await clock.advance(60_000);
    expect(low.pipes).toHaveLength(1);
    expect(low.said('site.failed')).toEqual([expect.stringMatching(/^DIAL_AUTH: .*wrong user name or password/)]);
    high.tunnel.start();
    await clock.advance(1_000);
    expect(high.story.at(-1)).toBe('up 10.1.0.2');
    const stopping = high.tunnel.stop();
    await clock.advance(10_000);
    await stopping;
    await clock.advance(600_000);
    expect(low.pipes).toHaveLength(2);
  });

  it('backs off from a site that does not answer, and comes back', async () => {
    const { clock, low, high } = await sites();
    low.unreachable = true;
    low.tunnel.start();
    await clock.advance(300_000);
    const tries = low.said('site.down').length;
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(20);
    expect(low.telemetry.traces.map(({ role, ended, failure }) => [role, ended, failure?.error])).toEqual(
      Array.from({ length: tries }, () => ['client', true, 'DIAL_FAILED']),
    );
    low.unreachable = false;
    await clock.advance(61_000);
    expect(low.story.at(-1)).toBe('up 10.2.0.2');
    expect(high.gateway.sessions()).toBe(1);
  });

  it('does not make up for failures before the other site’s tunnel when that has gone', async () => {
    const { clock, low, high } = await sites();
    low.unreachable = true;
    low.tunnel.start();
    await clock.advance(300_000);
    high.tunnel.start();
    await clock.advance(61_000);
    expect(high.story.at(-1)).toBe('up 10.1.0.2');
    const failed = low.said('site.down').length;
    const stopping = high.tunnel.stop();
    await clock.advance(15_000);
    await stopping;
    // 0, 1, 3 and 7 seconds after it, at the latest.
    expect(low.said('site.down').length - failed).toBeGreaterThanOrEqual(4);
  });

  it.each([0, 1, 5, 1_000])('can be stopped %i ms after it began, with nothing left on the host', async (ms) => {
    const { clock, low, high } = await sites();
    low.tunnel.start();
    await clock.advance(ms);
    const stopping = low.tunnel.stop();
    await clock.advance(10_000);
    await stopping;
    expect(low.story.filter((line) => line.startsWith('up')).length === 0 || low.story.at(-1) === 'down').toBe(true);
    expect(low.dialledTuns.every(({ isRunning }) => !isRunning)).toBe(true);
    expect(tunnels(high)).toBe(0);
  });

  it('can be stopped while it waits for the other site’s tunnel to go', async () => {
    const { clock, low, high } = await sites();
    low.tunnel.start();
    await clock.advance(1_000);
    high.tunnel.start();
    await clock.advance(1_000);
    await high.tunnel.stop();
    expect(high.pipes).toHaveLength(0);
    expect(low.story.at(-1)).toBe('up 10.2.0.2');
  });
});
