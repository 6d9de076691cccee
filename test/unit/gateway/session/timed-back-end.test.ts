import { describe, expect, test } from 'vitest';
import type { Authenticator } from '../../../../core/ports/auth.ts';
import { instant } from '../../../../core/time.ts';
import { timed } from '../../../../gateway/session/timed-back-end.ts';
import { address } from '../../../support/batches.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';
import { ORIGIN } from '../../../support/proof-origin.ts';

const REQUEST = { userName: 'alice', password: new Uint8Array(0) };
const ACCEPTED = { ok: true, identity: 'alice', profile: {}, grant: {} } as const;

const rig = (answer: () => Promise<unknown>) => {
  let now = 0;
  const telemetry = new MemoryTelemetry();
  const backEnd: Authenticator = {
    name: 'slow',
    supports: (kind) => kind === 'pap',
    verify: async () => {
      now += 250;
      return (await answer()) as never;
    },
  };
  return { one: timed(backEnd, { now: () => instant(now) }, telemetry), telemetry };
};

describe('a back-end with a watch on it', () => {
  test.each([
    [ACCEPTED, 'ok'],
    [{ ok: false, denial: 'unknown-user' }, 'unknown-user'],
    [{ ok: false, denial: 'expired' }, 'expired'],
  ])('%o is measured as %s', async (answer, result) => {
    const { one, telemetry } = rig(() => Promise.resolve(answer));
    expect(await one.verify('pap', REQUEST, new AbortController().signal, ORIGIN)).toBe(answer);
    expect(telemetry.measures).toEqual([
      { name: 'pptp.auth.backend.duration', seconds: 0.25, attributes: { backend: 'slow', result } },
    ]);
  });

  test('that fails is measured, and fails', async () => {
    const { one, telemetry } = rig(() => Promise.reject(new Error('no database')));
    await expect(one.verify('pap', REQUEST, new AbortController().signal, ORIGIN)).rejects.toThrow('no database');
    expect(telemetry.measures[0]?.attributes).toEqual({ backend: 'slow', result: 'unavailable' });
  });

  test('is otherwise the back-end', () => {
    const { one } = rig(() => Promise.resolve(ACCEPTED));
    expect([one.name, one.supports('pap'), one.supports('certificate')]).toEqual(['slow', true, false]);
    expect(one.reservedAddresses?.()).toEqual(new Set());
    const fixed = new Set([address('10.0.0.9')]);
    const other: Authenticator = { ...one, name: 'x', supports: () => true, reservedAddresses: () => fixed };
    expect(timed(other, { now: () => instant(0) }, new MemoryTelemetry()).reservedAddresses?.()).toBe(fixed);
  });
});
