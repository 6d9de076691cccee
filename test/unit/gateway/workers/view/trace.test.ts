import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adminRequest } from '../../../../../gateway/admin/client.ts';
import type { TraceRequest, TraceRule, TraceState } from '../../../../../gateway/admin/routes/trace.ts';
import { address } from '../../../../support/batches.ts';
import { CrewRig } from '../../../../support/crew-rig.ts';
import { ipv4Packet } from '../../../../support/ipv4-packets.ts';

let rig: CrewRig;
beforeEach(async () => {
  rig = await CrewRig.start();
});
afterEach(() => rig.stop());

const PATH = '/v1/trace/rules';
const add = async (body: TraceRequest): Promise<TraceRule> =>
  (await adminRequest(rig.socket, { method: 'POST', path: PATH, body })).json();
const remove = async (id: string): Promise<TraceState> =>
  (await adminRequest(rig.socket, { method: 'DELETE', path: `${PATH}/${id}` })).json();
const list = async (): Promise<TraceState> => (await adminRequest(rig.socket, { method: 'GET', path: PATH })).json();
const idsAt = (index: number): readonly string[] =>
  rig
    .worker(index)
    .tracing.rules()
    .map(({ id }) => id);

/** Packets of a client of that worker. */
const send = async (index: number, count: number): Promise<void> => {
  const { lab } = rig.worker(index);
  const peer = await lab.connect();
  for (let sent = 0; sent < count; sent += 1) {
    peer.tun.hostSends(ipv4Packet({ source: peer.address, destination: address('10.0.0.80') }));
    await lab.clock.advance(1);
  }
};

describe('rules for packet traces', () => {
  test('have one number in all workers, which is in the spans', async () => {
    expect(await add({ user: 'alice', seconds: 60 })).toMatchObject({ id: '1', user: 'alice', secondsLeft: 60 });
    expect(await add({ ratio: 0.5 })).toMatchObject({ id: '2', ratio: 0.5, traced: 0 });
    expect([idsAt(0), idsAt(1)]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect((await remove('1')).rules.map(({ id }) => id)).toEqual(['2']);
    expect([idsAt(0), idsAt(1)]).toEqual([['2'], ['2']]);
    await expect(remove('1')).rejects.toMatchObject({ cause: 'NO_RULE' });
  });

  test('count the packets of all workers, those that died too', async () => {
    await add({ user: 'alice' });
    await send(0, 3);
    await send(1, 4);
    const before = await list();
    expect(before).toMatchObject({ rules: [{ id: '1' }] });
    expect(before.traced).toBeGreaterThanOrEqual(7);
    expect(before.rules[0]?.traced).toBe(before.traced);
    await rig.kill(1);
    await rig.restart(1);
    const after = await list();
    expect(after.traced).toBe(before.traced);
    expect(idsAt(1)).toEqual(['1']);
  });

  test('for a number of packets end when all workers together have traced as many', async () => {
    await add({ packets: 5 });
    await send(0, 3);
    await send(1, 3);
    expect((await list()).rules).toEqual([]);
    await expect.poll(() => [idsAt(0), idsAt(1)]).toEqual([[], []]);
  });

  test('about a tunnel are at its worker alone', async () => {
    await send(1, 0);
    const tunnel = rig.worker(1).lab.gateway.tunnels()[0]?.session.id ?? '';
    await add({ tunnel });
    expect([idsAt(0), idsAt(1)]).toEqual([[], ['1']]);
    await expect(add({ tunnel: 'none' })).rejects.toMatchObject({ cause: 'NO_TUNNEL' });
  });

  test('end with their time', async () => {
    await add({ seconds: 2 });
    await rig.clock.advance(2_000);
    expect((await list()).rules).toEqual([]);
  });

  test('are nowhere when one worker refuses', async () => {
    for (let number = 0; number < 16; number += 1) rig.worker(1).tracing.addRule({});
    await expect(add({})).rejects.toMatchObject({ cause: 'TOO_MANY_RULES' });
    expect(idsAt(0)).toEqual([]);
    expect((await list()).rules).toEqual([]);
  });

  test('are refused as one worker refuses them', async () => {
    await expect(add({ ratio: 2 })).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
  });
});
