import { expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { SetupTrace } from '../../../../gateway/session/setup-trace.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const keys = { send: new Uint8Array(16), receive: new Uint8Array(16) };

it('names no encryption that is over', () => {
  const trace = new SetupTrace(new MemoryTelemetry().tunnel({}, instant(0)));
  expect(trace.encryptionName).toBe('none');
  trace.encryption({ strength: 128, stateless: true, keys });
  expect(trace.encryptionName).toBe('MPPE 128 stateless');
  trace.encryption(undefined);
  expect(trace.encryptionName).toBe('none');
});
