import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { tracedConnect } from '../../../../gateway/dial/traced-connect.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';
import { undocumented } from '../../../support/trace-check.ts';

const bench = (work: () => Promise<string>) => {
  const telemetry = new MemoryTelemetry();
  return { telemetry, connect: tracedConnect(work, { clock: new FakeClock(), telemetry }, 'vpn.example') };
};
const refused = (): Promise<never> => Promise.reject(new GatewayError('DIAL_FAILED', 'Nothing listens there.'));

describe('a connection to a server', () => {
  it('that cannot be made is a failed trace of a client', async () => {
    const { telemetry, connect } = bench(refused);
    await expect(connect(new AbortController().signal)).rejects.toThrow('Nothing listens there.');
    const failure = { error: 'DIAL_FAILED', message: 'Nothing listens there.' };
    expect(telemetry.traces).toMatchObject([
      {
        role: 'client',
        ended: true,
        failure,
        attributes: { 'server.address': 'vpn.example' },
        phases: [{ name: 'control', failure }],
      },
    ]);
    expect(undocumented(telemetry.traces)).toEqual([]);
  });

  it('that can be made, or is given up on demand, is none', async () => {
    const good = bench(async () => 'line');
    expect(await good.connect(new AbortController().signal)).toBe('line');
    const stopped = bench(refused);
    await expect(stopped.connect(AbortSignal.abort())).rejects.toThrow();
    expect([...good.telemetry.traces, ...stopped.telemetry.traces]).toEqual([]);
  });
});
