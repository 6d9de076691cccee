import { expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { TunnelSpans } from '../../../../gateway/session/tunnel-spans.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const keys = { send: new Uint8Array(16), receive: new Uint8Array(16) };

it('names no encryption that is over', () => {
  const spans = new TunnelSpans(new MemoryTelemetry().tunnel({}, instant(0)), () => instant(0));
  expect(spans.encryptionName).toBe('none');
  spans.encryption({ strength: 128, stateless: true, keys });
  expect(spans.encryptionName).toBe('MPPE 128 stateless');
  spans.encryption(undefined);
  expect(spans.encryptionName).toBe('none');
});
