import { describe, expect, it } from 'vitest';
import type { PptpMessage } from '../../core/wire/pptp-message.ts';
import { writeCallMessage } from '../../core/wire/pptp-message-call.ts';
import { gatewayBody } from '../../gateway/life/gateway-body.ts';
import type { GatewayLife } from '../../gateway/life/gateway-life.ts';
import { SessionNotes, sessionParts } from '../../testing/lab/session-parts.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { controlMessages } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { testLife } from '../support/life.ts';

const HOST = address('10.0.0.80');
const SECOND = 1_000;

const start = async (options: Parameters<typeof GatewayLab.start>[0] = {}) => {
  const notes = new SessionNotes();
  const plugins = [sessionParts({ sinks: [notes], listeners: [notes] })];
  const lab = await GatewayLab.start({ ...options, plugins });
  const life = testLife({ clock: lab.clock, log: lab.log, body: gatewayBody(lab.gateway) });
  const phases: string[] = [];
  life.onChange(({ phase }) => phases.push(phase));
  let over = false;
  void life.over.then(() => {
    over = true;
  });
  return { lab, notes, life, phases, isOver: () => over };
};

/** What the gateway said on a control connection. */
const said = ({ pipe }: Pick<LabPeer, 'pipe'>): readonly PptpMessage[] => controlMessages(pipe.writtenBy('right'));

const passes = async (lab: GatewayLab, client: LabPeer & { readonly address: number }): Promise<boolean> => {
  const packet = ipv4Packet({ source: address('10.99.0.2'), destination: HOST });
  client.tun.hostSends(packet);
  await lab.clock.advance(100);
  return lab.tun.hostReceives() !== undefined;
};

const sigterm = (life: GatewayLife): void => void life.drain({ stop: true }, 'SIGTERM', true);

describe('a gateway that is drained', () => {
  it('refuses control connections and calls in the words of RFC 2637, while a tunnel that is up goes on', async () => {
    const { lab, life } = await start();
    const client = await lab.connect();
    sigterm(life);
    expect(life.view()).toMatchObject({ phase: 'draining', thenStop: true, by: 'SIGTERM', sessions: 1 });

    // Section 2.2: general error, no resource.
    const late = await lab.dial();
    await lab.clock.advance(SECOND);
    expect(said(late)[0]).toMatchObject({ kind: 'start-control-connection-reply', resultCode: 2, errorCode: 4 });
    expect(late.peer.network).toBeUndefined();

    // Section 2.8: do not accept, on a control connection that was there before.
    const request = controlMessages(client.pipe.writtenBy('left')).find(({ kind }) => kind === 'outgoing-call-request');
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    client.pipe.left.write(writeCallMessage({ ...request, callId: 0x4711, callSerialNumber: 2 }));
    await lab.clock.advance(100);
    expect(said(client).at(-1)).toMatchObject({ kind: 'outgoing-call-reply', resultCode: 7, peerCallId: 0x4711 });

    expect(await passes(lab, client)).toBe(true);
    expect(lab.gateway.sessions()).toBe(1);
  });

  it('ends tunnels that are left at the deadline: Terminate-Request, then CDN, then their records', async () => {
    const { lab, life, notes, phases, isOver } = await start();
    const client = await lab.connect();
    sigterm(life);
    await lab.clock.advance(9.9 * SECOND);
    expect(lab.gateway.sessions()).toBe(1);
    await lab.clock.advance(0.2 * SECOND);

    expect(said(client).at(-1)).toMatchObject({ kind: 'call-disconnect-notify', resultCode: 3 });
    expect(client.events.at(-1)).toMatchObject({ kind: 'call-closed' });
    expect(notes.kinds).toEqual(['start', 'up', 'stop', 'down']);
    expect(notes.told.find(({ kind }) => kind === 'stop')).toMatchObject({ ending: { reason: 'shutdown' } });
    expect(phases).toEqual(['draining', 'stopping']);
    expect(isOver()).toBe(true);
    expect(lab.log.events('error')).toEqual([]);
  });

  it('waits no longer than for the last tunnel', async () => {
    const { lab, life, isOver } = await start();
    const client = await lab.connect();
    sigterm(life);
    await lab.clock.advance(SECOND);
    expect(isOver()).toBe(false);
    void client.peer.stop();
    await lab.clock.advance(SECOND);
    expect(isOver()).toBe(true);
  });

  it('is over at once where there is no tunnel', async () => {
    const { lab, life, isOver } = await start();
    sigterm(life);
    await lab.clock.advance(0);
    expect(isOver()).toBe(true);
  });

  it('ends a tunnel whose client says nothing any more within 2 s of the deadline', async () => {
    const { lab, life, isOver } = await start();
    const client = await lab.connect();
    // Its packets go to somebody else.
    lab.wire.attach(client.outer);
    sigterm(life);
    await lab.clock.advance(10 * SECOND);
    expect(isOver()).toBe(false);
    await lab.clock.advance(2.1 * SECOND);
    expect(isOver()).toBe(true);
    await lab.stop();
    expect(said(client).map(({ kind }) => kind)).toContain('call-disconnect-notify');
  });

  it('takes calls again when somebody says so', async () => {
    const { lab, life, phases } = await start();
    const client = await lab.connect();
    life.drain({ seconds: 60 }, 'ann');
    const late = await lab.dial();
    await lab.clock.advance(SECOND);
    expect(late.peer.network).toBeUndefined();
    expect(life.resume('bob')).toMatchObject({ phase: 'ready', by: 'bob', deadline: null });
    await lab.connect();
    await lab.clock.advance(120 * SECOND);
    expect(await passes(lab, client)).toBe(true);
    expect(phases).toEqual(['draining', 'ready']);
    expect(lab.log.events('info')).toEqual(expect.arrayContaining(['gateway.draining', 'gateway.resumed']));
  });

  it('without a stop is empty after the deadline, and goes on', async () => {
    const { lab, life, isOver, notes } = await start();
    await lab.connect();
    life.drain({ seconds: 5 }, 'ann');
    await lab.clock.advance(60 * SECOND);
    expect(life.view()).toMatchObject({ phase: 'draining', sessions: 0, thenStop: false });
    expect(notes.told.find(({ kind }) => kind === 'stop')).toMatchObject({
      ending: { reason: 'administrative' },
    });
    expect(isOver()).toBe(false);
  });

  it('tells very many tunnels in turns, and ends all of them in a bounded time', async () => {
    const many = 140;
    const users = Object.fromEntries(Array.from({ length: many }, (_, i) => [`u${i}`, { password: 'p' }]));
    const env = { PPTP_POOL: '10.99.0.0/22', PPTP_MAX_CONNECTIONS: '1000' };
    const { lab, life, notes, isOver } = await start({ users, env });
    for (const user of Object.keys(users)) await lab.dial({ user, password: 'p' });
    await lab.clock.advance(2 * SECOND);
    expect(lab.gateway.sessions()).toBe(many);
    life.drain({ seconds: 1, stop: true }, 'ann');
    await lab.clock.advance(2 * SECOND);
    expect(isOver()).toBe(true);
    expect(notes.kinds.filter((kind) => kind === 'stop')).toHaveLength(many);
    expect([...lab.telemetry.drops].filter(([name]) => String(name).includes('control-frames'))).toEqual([]);
  });
});
