import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfiguredAssociations } from '../../../plugins/ipsec-esp/configured-associations.ts';
import { readTableState } from '../../../plugins/ipsec-esp/table-state.ts';
import { readAccountingState } from '../../../plugins/radius/accounting/accounting-state.ts';
import { ProvenByRadius } from '../../../plugins/radius/accounting/index.ts';
import { readCoaState } from '../../../plugins/radius/coa/recent-answers.ts';
import { association } from '../../support/esp-peer.ts';
import { ESP_HOST, EspRig } from '../../support/esp-rig.ts';

/** As plain data comes from another process, with the right version now and then. */
const anything = fc.anything({ withTypedArray: true, maxDepth: 3 });
const state = fc.oneof(
  anything,
  fc.record(
    {
      version: fc.constant(1),
      folder: anything,
      records: anything,
      open: anything,
      gate: anything,
      held: anything,
      recent: fc.oneof(anything, fc.array(anything)),
      ivs: anything,
      associations: fc.oneof(anything, fc.array(anything)),
      sessions: fc.oneof(anything, fc.array(anything)),
    },
    { requiredKeys: ['version'] },
  ),
);

test('whatever another process sends is read or refused', () => {
  fc.assert(
    fc.property(state, (value) => {
      for (const read of [readAccountingState, readCoaState, readTableState]) {
        const found = read(value);
        if (found !== undefined) expect(found.version).toBe(1);
      }
      const proven = new ProvenByRadius();
      try {
        proven.restore(value);
      } catch (cause) {
        expect(String(cause)).toContain('cannot be read');
      }
    }),
  );
});

test('an association of which one field was changed is refused, or goes on in the table as one', async () => {
  const before = new EspRig();
  for (const direction of ['in', 'out'] as const) before.table.add(association(ESP_HOST, { direction }));
  const { version, ivs, associations } = structuredClone(before.table.snapshot());
  const names = Object.keys(associations[0] ?? {});
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), anything, async (name, value) => {
      const after = new EspRig();
      const { handOver } = new ConfiguredAssociations(after.table, after.log, { now: () => 0 }, undefined);
      const changed = associations.map((one, at) => (at === 0 ? { ...one, [name]: value } : one));
      try {
        await handOver.takeOver?.({ version, ivs, associations: changed });
        expect(after.table.list()).toHaveLength(2);
      } catch (cause) {
        expect(String(cause)).toMatch(/cannot be read|the association .*:/);
      }
    }),
  );
});
