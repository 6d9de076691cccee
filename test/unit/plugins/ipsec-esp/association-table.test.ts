import { describe, expect, it } from 'vitest';
import type { SecurityAssociation } from '../../../../core/ports/security-associations.ts';
import { address } from '../../../support/batches.ts';
import { association } from '../../../support/esp-peer.ts';
import { ESP_CLIENT, ESP_HOST, EspRig } from '../../../support/esp-rig.ts';

const add = (rig: EspRig, differs: Partial<SecurityAssociation>): string | undefined =>
  rig.table.add(association(ESP_HOST, { direction: 'in', ...differs }));

describe('the table of associations', () => {
  it('refuses what cannot work, with a sentence, and changes nothing', () => {
    const rig = new EspRig();
    expect(add(rig, { spi: 255 })).toContain('256');
    expect(add(rig, { spi: 2 ** 32 })).toContain('SPI');
    expect(add(rig, { owner: {} })).toContain('belong');
    expect(add(rig, { replayWindow: 33 })).toContain('multiple of 32');
    expect(add(rig, { replayWindow: 8192 })).toContain('4096');
    expect(add(rig, { esn: true, replayWindow: 0 })).toContain('replay window');
    expect(add(rig, { algorithm: { name: 'aes-gcm-16', key: new Uint8Array(3) } })).toContain('20, 28 or 36');
    expect(add(rig, { sequence: -1 })).toContain('whole number');
    expect(rig.table.list()).toEqual([]);
    expect(add(rig, {})).toBeUndefined();
    expect(add(rig, { spi: 0x1002 })).toContain('name is taken');
    expect(add(rig, { name: 'other' })).toContain('SPI already');
    expect(rig.table.replace('nobody', association(ESP_HOST, { direction: 'in' }))).toContain('no association');
    expect(rig.table.list()).toHaveLength(1);
  });

  it('shows a session those of its user, of its address, and of both together', () => {
    const rig = new EspRig();
    const bob = rig.openFor('bob', address('10.99.0.3'));
    add(rig, { name: 'user', spi: 300 });
    add(rig, { name: 'address', spi: 301, owner: { address: ESP_CLIENT } });
    add(rig, { name: 'both', spi: 302, owner: { identity: 'bob', address: ESP_CLIENT } });
    add(rig, { name: 'bob', spi: 303, owner: { identity: 'bob', address: address('10.99.0.3') } });
    expect(rig.table.of(rig.session)?.all.map(({ name }) => name)).toEqual(['user', 'address']);
    expect(rig.table.of(bob)?.all.map(({ name }) => name)).toEqual(['bob']);
    bob.identity = 'carol';
    expect(rig.table.of(bob)).toBeUndefined();
    expect(rig.table.remove('user', 'in')).toBe(true);
    expect(rig.table.of(rig.session)?.all.map(({ name }) => name)).toEqual(['address']);
  });

  it('shows what is of the session at the moment: its user or its address may be another one, or none', () => {
    const rig = new EspRig();
    rig.session.address = undefined;
    add(rig, { name: 'user', spi: 300, owner: { identity: 'alice' } });
    expect(rig.table.of(rig.session)).toBeUndefined();
    rig.session.address = ESP_CLIENT;
    expect(rig.table.of(rig.session)?.all.map(({ name }) => name)).toEqual(['user']);
    rig.session.identity = 'bob';
    expect(rig.table.of(rig.session)).toBeUndefined();
  });

  it('ends timers with their associations', () => {
    const rig = new EspRig();
    add(rig, { lifetime: { soft: { seconds: 5 }, hard: { seconds: 10 } } });
    expect(rig.clock.scheduled).toBe(2);
    rig.table.remove('test', 'in');
    expect(rig.clock.scheduled).toBe(0);
    add(rig, { lifetime: { hard: { seconds: 10 } } });
    rig.table.close();
    expect(rig.clock.scheduled).toBe(0);
  });

  it('tells listeners, the others too when one throws', async () => {
    const rig = new EspRig();
    const heard: string[] = [];
    rig.table.subscribe(() => {
      throw new Error('not mine');
    });
    const leave = rig.table.subscribe(({ kind, name }) => heard.push(`${kind} ${name}`));
    add(rig, { lifetime: { hard: { seconds: 1 } } });
    rig.clock.advance(1_000);
    await Promise.resolve();
    expect(heard).toEqual(['hard test']);
    expect(rig.table.list()).toMatchObject([{ state: 'expired' }]);
    leave();
    expect(rig.log.lines.map(({ event }) => event)).toEqual(['ipsec.sa-over', 'ipsec.listener-fault']);
  });
});
