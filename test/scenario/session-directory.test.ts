import { describe, expect, it } from 'vitest';
import { sessionId } from '../../core/ports/ids.ts';
import type { SessionPolicy } from '../../core/ports/policy.ts';
import { SessionNotes, sessionParts } from '../../testing/lab/session-parts.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const SECOND = 1_000;
const USERS = { alice: { password: 'wonderland' }, bob: { password: 'wonderland' } };
const line = (lab: GatewayLab, event: string) => lab.log.lines.find((one) => one.event === event)?.fields;

const idOf = async (lab: GatewayLab, identity: string) => {
  const [found] = await lab.gateway.directory.find({ identity });
  if (found === undefined) throw new Error(`no session of ${identity}`);
  return found.facts.id;
};

describe('the sessions of a gateway', () => {
  it('are found by what is known of them', async () => {
    const lab = await GatewayLab.start({ users: USERS, plugins: [sessionParts({ traffic: true })] });
    const alice = await lab.connect({ user: 'alice' });
    const bob = await lab.connect({ user: 'bob' });
    const { directory } = lab.gateway;
    const names = async (query: Parameters<typeof directory.find>[0]) =>
      (await directory.find(query)).map(({ facts }) => facts.identity);
    expect(await names({})).toEqual(['alice', 'bob']);
    expect(await names({ identity: 'bob' })).toEqual(['bob']);
    expect(await names({ address: alice.address })).toEqual(['alice']);
    expect(await names({ peer: bob.outer })).toEqual(['bob']);
    expect(await names({ id: await idOf(lab, 'bob') })).toEqual(['bob']);
    expect(await names({ id: await idOf(lab, 'bob'), identity: 'alice' })).toEqual([]);
    const packet = ipv4Packet({ source: alice.address, destination: HOST });
    alice.tun.hostSends(packet);
    await lab.clock.advance(SECOND);
    expect((await directory.find({ identity: 'alice' }))[0]?.usage).toEqual({
      octetsIn: packet.length,
      octetsOut: 0,
      packetsIn: 1,
      packetsOut: 0,
    });
  });

  it('tell what the client calls itself', async () => {
    const lab = await GatewayLab.start({ plugins: [sessionParts({})] });
    await lab.connect({});
    const [found] = await lab.gateway.directory.find({});
    expect(found?.facts.hostName).toBe('pptp-gateway');
  });

  it('are there from the proof on, without an address at first', async () => {
    let admit: (answer: { readonly admit: true }) => void = () => undefined;
    const waits: SessionPolicy = {
      name: 'waits',
      admit: () =>
        new Promise((resolve) => {
          admit = resolve;
        }),
    };
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [waits] })] });
    await lab.dial();
    await lab.clock.advance(SECOND);
    const [found] = await lab.gateway.directory.find({});
    expect(found?.facts).toMatchObject({
      identity: 'alice',
      method: 'ms-chap-v2',
      address: undefined,
      upAt: undefined,
    });
    const id = await idOf(lab, 'alice');
    expect(await lab.gateway.directory.change(id, { idleSeconds: 5 })).toMatchObject({ ok: false, why: 'refused' });
    admit({ admit: true });
    await lab.clock.advance(SECOND);
    expect((await lab.gateway.directory.find({}))[0]?.facts.upAt).toBeDefined();
  });

  it('are none before', async () => {
    const lab = await GatewayLab.start();
    lab.wire.filter = () => false;
    await lab.dial();
    await lab.clock.advance(SECOND);
    expect(lab.gateway.sessions()).toBe(1);
    expect(await lab.gateway.directory.find({})).toEqual([]);
  });
});

describe('ending a session', () => {
  it('is over when its call is, with the reason that was given', async () => {
    const lab = await GatewayLab.start({ users: USERS });
    const client = await lab.connect();
    const { directory } = lab.gateway;
    const told: boolean[] = [];
    const ending = { reason: 'session-timeout', detail: 'enough for today' } as const;
    const id = await idOf(lab, 'alice');
    for (let i = 0; i < 2; i += 1) void directory.disconnect(id, ending).then((was) => told.push(was));
    expect(lab.gateway.sessions()).toBe(1);
    await lab.clock.advance(10 * SECOND);
    expect(told).toEqual([true, true]);
    expect(lab.gateway.sessions()).toBe(0);
    expect(client.peer.network).toBeUndefined();
    expect(line(lab, 'session.closed')).toMatchObject(ending);
    expect(await directory.disconnect(id, ending)).toBe(false);
  });

  it('that is no session is none', async () => {
    const lab = await GatewayLab.start();
    const nobody = sessionId('0123456789ab');
    const ending = { reason: 'administrative', detail: 'gone' } as const;
    expect(await lab.gateway.directory.disconnect(nobody, ending)).toBe(false);
    expect(await lab.gateway.directory.change(nobody, {})).toMatchObject({ ok: false, why: 'gone' });
  });
});

describe('changing a session', () => {
  const started = async (env: Readonly<Record<string, string>> = {}) => {
    const notes = new SessionNotes();
    const lab = await GatewayLab.start({ env, plugins: [sessionParts({ sinks: [notes], listeners: [notes] })] });
    const client = await lab.connect();
    return { lab, notes, client, id: await idOf(lab, 'alice') };
  };

  it('moves its limits, counted from when it came up', async () => {
    const { lab, id } = await started();
    await lab.clock.advance(50 * SECOND);
    expect(await lab.gateway.directory.change(id, { sessionSeconds: 60 })).toEqual({ ok: true });
    await lab.clock.advance(20 * SECOND);
    expect(line(lab, 'session.closed')).toMatchObject({ reason: 'session-timeout' });
  });

  it('takes back what an earlier change set', async () => {
    const { lab, id } = await started();
    await lab.gateway.directory.change(id, { sessionSeconds: 60, idleSeconds: 30 });
    await lab.gateway.directory.change(id, { sessionSeconds: undefined, idleSeconds: undefined });
    await lab.clock.advance(300 * SECOND);
    expect(lab.gateway.sessions()).toBe(1);
  });

  it('moves its interim records', async () => {
    const { lab, notes, id } = await started({ PPTP_ACCOUNTING_INTERIM: '600' });
    await lab.clock.advance(100 * SECOND);
    await lab.gateway.directory.change(id, { interimSeconds: 60 });
    await lab.clock.advance(70 * SECOND);
    const at = notes.told.flatMap((told) => (told.kind === 'interim' ? [told.record.seconds] : []));
    // What was overdue under the new interval comes at once.
    expect(at).toEqual([101, 161]);
  });

  it('is told to listeners, once for each that changes something', async () => {
    const { lab, notes, id } = await started();
    const classes = [Uint8Array.of(1, 2, 3)];
    await lab.gateway.directory.change(id, { classes });
    await lab.gateway.directory.change(id, { classes: [Uint8Array.of(1, 2, 3)] });
    await lab.gateway.directory.change(id, {});
    const changed = notes.told.flatMap((told) => (told.kind === 'changed' ? [told.facts.profile] : []));
    expect(changed).toEqual([{ classes }]);
  });

  it('to a rate holds for the next packet', async () => {
    const { lab, client, id } = await started();
    const packet = ipv4Packet({ source: client.address, destination: HOST, payload: new Uint8Array(1300) });
    const rate = { up: { bitsPerSecond: 8, burstOctets: 1500 } };
    expect(await lab.gateway.directory.change(id, { rate })).toEqual({ ok: true });
    for (let i = 0; i < 3; i += 1) client.tun.hostSends(packet);
    await lab.clock.advance(2 * SECOND);
    expect((await lab.gateway.directory.find({ id }))[0]?.usage.packetsIn).toBe(1);
    expect(await lab.gateway.directory.change(id, { rate: undefined })).toEqual({ ok: true });
    client.tun.hostSends(packet);
    await lab.clock.advance(2 * SECOND);
    expect((await lab.gateway.directory.find({ id }))[0]?.usage.packetsIn).toBe(4);
  });

  it('that this gateway cannot do changes nothing', async () => {
    const { lab, id } = await started();
    const change = { filter: 'nowhere', sessionSeconds: 10 };
    expect(await lab.gateway.directory.change(id, change)).toMatchObject({ ok: false, why: 'refused' });
    await lab.clock.advance(60 * SECOND);
    expect(lab.gateway.sessions()).toBe(1);
  });

  it('where nobody has asked for the traffic stages cannot set a rate', async () => {
    const lab = await GatewayLab.start();
    await lab.connect();
    const rate = { down: { bitsPerSecond: 1_000_000 } };
    expect(await lab.gateway.directory.change(await idOf(lab, 'alice'), { rate })).toMatchObject({
      ok: false,
      why: 'refused',
      detail: expect.stringContaining('PPTP_TRAFFIC_LIMITS=on'),
    });
  });

  it('where the operator asks for limits can set a rate without any plug-in, and octets are counted', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_TRAFFIC_LIMITS: 'on' } });
    const client = await lab.connect();
    const id = await idOf(lab, 'alice');
    const rate = { down: { bitsPerSecond: 1_000_000 } };
    expect(await lab.gateway.directory.change(id, { rate })).toEqual({ ok: true });
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: HOST }));
    await lab.clock.advance(SECOND);
    const [found] = await lab.gateway.directory.find({ id });
    expect(found).toMatchObject({ facts: { profile: { rate } }, usage: { packetsIn: 1 } });
  });
});

describe('a quota', () => {
  it('that is used up ends the session', async () => {
    const users = { alice: { password: 'wonderland', profile: { quotaOctets: 100 } } };
    const lab = await GatewayLab.start({ users, plugins: [sessionParts({ traffic: true })] });
    const client = await lab.connect();
    for (let i = 0; i < 10; i += 1) client.tun.hostSends(ipv4Packet({ source: client.address, destination: HOST }));
    await lab.clock.advance(10 * SECOND);
    expect(line(lab, 'session.closed')).toMatchObject({ detail: 'the quota of the session is used up' });
    expect(lab.gateway.sessions()).toBe(0);
  });
});
