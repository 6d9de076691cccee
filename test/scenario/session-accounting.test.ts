import { describe, expect, it } from 'vitest';
import type { ClearReason } from '../../core/ports/control.ts';
import { EPOCH_MS } from '../../testing/lab/gateway-lab.ts';
import { SessionNotes, sessionParts } from '../../testing/lab/session-parts.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const SECOND = 1_000;

const start = async (options: Parameters<typeof GatewayLab.start>[0] = {}) => {
  const notes = new SessionNotes();
  const plugins = [sessionParts({ sinks: [notes], listeners: [notes] })];
  const lab = await GatewayLab.start({ ...options, plugins });
  return { lab, notes };
};

/** When the records of this kind were made, in seconds since the session came up. */
const times = (notes: SessionNotes, kind: 'start' | 'interim' | 'stop'): readonly number[] =>
  notes.told.flatMap((told) => (told.kind === kind && 'record' in told ? [told.record.seconds] : []));

describe('the records of a session', () => {
  it('say when it was, whose, from where, and what passed', async () => {
    const { lab, notes } = await start();
    const client = await lab.connect();
    const packet = ipv4Packet({ source: client.address, destination: HOST });
    for (let i = 0; i < 3; i += 1) client.tun.hostSends(packet);
    lab.tun.hostSends(ipv4Packet({ source: HOST, destination: client.address }));
    await lab.clock.advance(60 * SECOND);
    void client.peer.stop();
    await lab.clock.advance(10 * SECOND);
    expect(notes.kinds).toEqual(['start', 'up', 'stop', 'down']);
    const [started, , stopped] = notes.told;
    if (started?.kind !== 'start' || stopped?.kind !== 'stop') throw new Error('no records');
    expect(started.record).toMatchObject({
      facts: { identity: 'alice', method: 'ms-chap-v2', address: client.address, peerName: '203.0.113.1:40000' },
      seconds: 0,
      usage: { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 },
    });
    expect(started.record.facts.encryption).toBe('MPPE 128 stateless');
    expect(started.record.at - EPOCH_MS).toBeGreaterThanOrEqual(SECOND);
    expect(started.record.facts.upAt).toBe(started.record.at);
    expect(stopped.record.facts).toEqual(started.record.facts);
    expect(stopped.record).toMatchObject({
      seconds: 61,
      usage: { packetsIn: 3, octetsIn: 3 * packet.length, packetsOut: 1, octetsOut: packet.length },
    });
  });

  it('have no interim ones by default', async () => {
    const { lab, notes } = await start();
    await lab.connect();
    await lab.clock.advance(24 * 3600 * SECOND);
    expect(notes.kinds).toEqual(['start', 'up']);
  });

  it('come as often as is configured, or as the profile says', async () => {
    const users = {
      alice: { password: 'wonderland' },
      often: { password: 'wonderland', profile: { interimSeconds: 90 } },
      never: { password: 'wonderland', profile: { interimSeconds: 0 } },
    };
    const { lab, notes } = await start({ users, env: { PPTP_ACCOUNTING_INTERIM: '120' } });
    for (const user of ['alice', 'often', 'never']) await lab.connect({ user });
    await lab.clock.advance(400 * SECOND);
    const interims = (user: string) =>
      notes.told.flatMap((told) =>
        told.kind === 'interim' && told.record.facts.identity === user ? [told.record.seconds] : [],
      );
    expect(interims('alice')).toEqual([120, 240, 360]);
    expect(interims('often')).toEqual([90, 180, 270, 360]);
    expect(interims('never')).toEqual([]);
  });

  it('stop once and last, whatever sinks and listeners do', async () => {
    const notes = new SessionNotes();
    const bad = {
      name: 'bad',
      start: () => {
        throw new Error('start');
      },
      interim: () => undefined,
      stop: () => {
        throw new Error('stop');
      },
      up: () => {
        throw new Error('up');
      },
    };
    const plugins = [sessionParts({ sinks: [bad, notes], listeners: [bad, notes] })];
    const lab = await GatewayLab.start({ plugins });
    const client = await lab.connect();
    void client.peer.stop();
    await lab.clock.advance(10 * SECOND);
    expect(notes.kinds).toEqual(['start', 'up', 'stop', 'down']);
    expect(lab.log.lines.filter(({ event }) => event === 'plugin.failed').length).toBeGreaterThan(0);
  });
});

type Connected = Awaited<ReturnType<GatewayLab['connect']>>;

const ENDS: readonly [string, ClearReason, (lab: GatewayLab, client: Connected) => Promise<unknown> | unknown][] = [
  ['the client hangs up', 'peer-request', (_lab, client) => void client.peer.stop()],
  ['the control connection breaks', 'control-lost', (_lab, client) => client.pipe.left.abort()],
  ['the peer vanishes', 'link-dead', (_lab, client) => client.gre.stop()],
  ['the gateway stops', 'shutdown', (lab) => lab.stop()],
  [
    'somebody ends it',
    'administrative',
    async (lab) => {
      const [found] = await lab.gateway.directory.find({});
      if (found === undefined) throw new Error('no session');
      void lab.gateway.directory.disconnect(found.facts.id, { reason: 'administrative', detail: 'because' });
    },
  ],
];

describe('a stop record is made when', () => {
  it.each(ENDS)('%s', async (_what, reason, end) => {
    const { lab, notes } = await start({ env: { PPTP_LCP_ECHO_INTERVAL: '5' } });
    const client = await lab.connect();
    await end(lab, client);
    await lab.clock.advance(120 * SECOND);
    expect(notes.kinds).toEqual(['start', 'up', 'stop', 'down']);
    expect(notes.told[2]).toMatchObject({ ending: { reason } });
    await lab.clock.advance(3600 * SECOND);
    expect(notes.told).toHaveLength(4);
  });
});

describe('a call that never was up', () => {
  it('is not told of', async () => {
    const { lab, notes } = await start();
    const client: LabPeer = await lab.dial({ password: 'wrong' });
    await lab.clock.advance(30 * SECOND);
    expect(client.peer.network).toBeUndefined();
    expect(notes.told).toEqual([]);
  });
});

describe('nobody wants to know', () => {
  it('so nothing is due when all is quiet', async () => {
    const quiet = await GatewayLab.start({ env: { PPTP_LCP_ECHO_INTERVAL: '0', PPTP_ACCOUNTING_INTERIM: '60' } });
    await quiet.connect();
    await quiet.clock.advance(3 * SECOND);
    const before = quiet.clock.pending;
    await quiet.clock.advance(600 * SECOND);
    expect(quiet.clock.pending).toBeLessThanOrEqual(before);
  });
});

describe('times of records', () => {
  it('are measured, and do not follow the wall clock', async () => {
    const { lab, notes } = await start({ env: { PPTP_ACCOUNTING_INTERIM: '60' } });
    await lab.connect();
    await lab.clock.advance(130 * SECOND);
    expect(times(notes, 'interim')).toEqual([60, 120]);
  });
});
