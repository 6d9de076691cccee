import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTunnelSnapshot } from '../../../gateway/session/tunnel-snapshot.ts';
import {
  isWorkerHeritage,
  readCrewRest,
  readFromHeir,
  readWorkerPiece,
} from '../../../gateway/upgrade/crew-messages.ts';
import { kindOf, readFromSuccessor, readHelloToSuccessor } from '../../../gateway/upgrade/messages.ts';
import { readConnectionSnapshot } from '../../../plugins/control-pptp/index.ts';

test('what another version sends is read or refused, whatever it is', () => {
  const kinds = fc.constantFrom('hello', 'said', 'ready', 'restored', 'failed', 'toString', '__proto__');
  const workers = fc.array(fc.oneof(fc.anything(), fc.record({ networks: fc.anything(), borrowed: fc.anything() })));
  const message = fc.oneof(
    fc.record({ workers, loans: fc.anything() }),
    fc.anything(),
    fc.record({ kind: kinds }, { noNullPrototype: true }),
    fc.object(),
  );
  fc.assert(
    fc.property(message, (value) => {
      for (const read of [
        readFromSuccessor,
        readHelloToSuccessor,
        readTunnelSnapshot,
        readConnectionSnapshot,
        kindOf,
        readFromHeir,
        readWorkerPiece,
        isWorkerHeritage,
        (one: unknown) => readCrewRest(one, 2),
      ]) {
        expect(() => read(value)).not.toThrow();
      }
    }),
    { numRuns: 500 },
  );
});

test('messages of this version come through', () => {
  expect(readFromSuccessor({ kind: 'ready' })).toEqual({ kind: 'ready' });
  expect(readFromSuccessor({ kind: 'restored', tunnels: 2, failed: ['a1'] })).toEqual({
    kind: 'restored',
    tunnels: 2,
    failed: ['a1'],
  });
  expect(readFromSuccessor({ kind: 'restored', tunnels: -1, failed: [] })).toBeUndefined();
  const hello = { kind: 'hello', state: 1, version: '1', pid: 7, clock: { now: 1, host: 2 }, config: {} };
  expect(readHelloToSuccessor(hello)).toEqual(hello);
  expect(readHelloToSuccessor({ ...hello, config: null })).toBeUndefined();
});
