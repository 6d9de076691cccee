import { describe, expect, it } from 'vitest';
import { parseIpNetwork } from '../../../../core/bytes/ip-network.ts';
import type { SecurityAssociation } from '../../../../core/ports/security-associations.ts';
import { ConfiguredAssociations } from '../../../../plugins/ipsec-esp/configured-associations.ts';
import { association } from '../../../support/esp-peer.ts';
import { ESP_CLIENT, ESP_HOST, EspRig } from '../../../support/esp-rig.ts';

const part = (rig: EspRig) => {
  const { handOver } = new ConfiguredAssociations(rig.table, rig.log, { now: () => Date.UTC(2030, 0) }, undefined);
  return handOver;
};
const add = (rig: EspRig, differs: Partial<SecurityAssociation> & Pick<SecurityAssociation, 'direction'>): void => {
  expect(rig.table.add(association(ESP_HOST, differs))).toBeUndefined();
};
const one = (rig: EspRig, direction: 'in' | 'out') => {
  const found = rig.table.of(rig.session)?.all.find((each) => each.direction === direction);
  if (found === undefined) throw new Error('there is none');
  return found;
};
/** As it is between two processes. */
const sent = async (rig: EspRig): Promise<unknown> => structuredClone(await part(rig).release?.());

const NETWORKS = [parseIpNetwork('10.9.0.0/16')].filter((network) => network !== undefined);

describe('associations in another process', () => {
  it('go on with their keys, their numbers and their windows', async () => {
    const before = new EspRig();
    add(before, { direction: 'out', sequence: 41, mode: 'tunnel', networks: NETWORKS, peerNetworks: NETWORKS });
    add(before, {
      direction: 'in',
      esn: true,
      owner: { identity: 'alice', address: ESP_CLIENT },
      algorithm: {
        name: 'aes-cbc-hmac-sha2-256-128',
        key: new Uint8Array(16).fill(7),
        integrityKey: new Uint8Array(32).fill(9),
      },
    });
    expect(one(before, 'out').next()).toBe(42);
    one(before, 'out').used(100);
    for (const number of [1, 2, 70]) one(before, 'in').replay.accept(number);
    const after = new EspRig();
    await part(after).takeOver?.(await sent(before));
    expect(after.table.list()).toEqual(before.table.list());
    expect(one(after, 'out').next()).toBe(43);
    expect(one(after, 'out').covers(0x0a090001 as never, 0x0a090002 as never, ESP_CLIENT)).toBe(true);
    expect([2, 69, 70, 71].map((number) => one(after, 'in').replay.check(number))).toEqual([
      'late',
      'new',
      'duplicate',
      'new',
    ]);
    // What one seals, the other opens.
    for (const direction of ['in', 'out'] as const) {
      const [packet, length] = [new Uint8Array(128), 88];
      one(before, direction).transform.seal(packet, 0, length, -1);
      expect(one(after, direction).transform.open(packet, 0, length, -1)).toBe(true);
    }
  });

  it('never have an IV of the process before, and that one has none of theirs when it goes on', async () => {
    const before = new EspRig();
    add(before, { direction: 'out' });
    const ivs: string[] = [];
    const seal = (rig: EspRig): void => {
      const packet = new Uint8Array(128);
      one(rig, 'out').transform.seal(packet, 0, 96, -1);
      ivs.push(packet.subarray(8, 16).join());
    };
    seal(before);
    const state = await sent(before);
    const after = new EspRig();
    await part(after).takeOver?.(state);
    for (let i = 0; i < 100; i += 1) seal(after);
    const handOver = part(before);
    await handOver.release?.();
    await handOver.takeBack?.();
    for (let i = 0; i < 100; i += 1) seal(before);
    expect(new Set(ivs).size).toBe(201);
  });

  it('end when they would have ended', async () => {
    const before = new EspRig();
    add(before, { direction: 'in', lifetime: { soft: { seconds: 50 }, hard: { seconds: 100 } } });
    add(before, { direction: 'out', lifetime: { hard: { packets: 2 } } });
    one(before, 'out').used(1);
    await before.clock.advance(60_000);
    const after = new EspRig();
    await after.clock.advance(60_000);
    const told: string[] = [];
    after.table.subscribe(({ kind, direction }) => told.push(`${kind} ${direction}`));
    await part(after).takeOver?.(await sent(before));
    await after.clock.advance(39_000);
    expect(told).toEqual([]);
    await after.clock.advance(1_000);
    expect(told).toEqual(['hard in']);
    one(after, 'out').used(1);
    expect(after.table.list().map(({ state }) => state)).toEqual(['expired', 'expired']);
  });

  it('are not believed when they are anything else', async () => {
    const before = new EspRig();
    add(before, { direction: 'out' });
    const state = await sent(before);
    const after = new EspRig();
    const refused = (given: unknown) => expect(part(after).takeOver?.(given)).rejects.toThrow('cannot be read');
    await refused(undefined);
    await refused({ version: 2 });
    await refused({ ...(typeof state === 'object' ? state : {}), associations: [{ name: 'x' }] });
    expect(after.table.list()).toEqual([]);
    await part(after).takeOver?.(state);
    await expect(part(after).takeOver?.(state)).rejects.toThrow('its name is taken');
  });
});
