import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { Probes } from '../../../core/datapath/probe.ts';
import { packetTraces } from '../../../gateway/packet-traces.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const bench = (env: Readonly<Record<string, string>>, collected: boolean) => {
  const platform = { clock: new FakeClock(), log: new MemoryLog() };
  const tracePackets = packetTraces(loadConfig({ env }).config.packetTraces, collected, platform);
  const begin = () => {
    const probes = new Probes(platform.clock, () => undefined);
    return { probes, tracing: tracePackets({ probes }) };
  };
  return { begin, events: () => platform.log.lines.map(({ event }) => event) };
};

describe('packet traces of a gateway', () => {
  it('begin with a rule for the configured ratio', () => {
    const { begin } = bench({ PPTP_TRACE_PACKETS_RATIO: '0.001' }, true);
    const { probes, tracing } = begin();
    expect(tracing?.rules()).toMatchObject([{ id: '1', ratio: 0.001, leftMs: undefined }]);
    expect(probes.active).toBeDefined();
  });

  it('by default wait for rules, and look at nothing', () => {
    const { begin, events } = bench({}, true);
    const { probes, tracing } = begin();
    expect(tracing?.rules()).toEqual([]);
    expect(probes.active).toBeUndefined();
    expect(events()).toEqual([]);
  });

  it('are not there while nobody collects them; a ratio that is lost is told of once', () => {
    const { begin, events } = bench({ PPTP_TRACE_PACKETS_RATIO: '1' }, false);
    for (const { probes, tracing } of [begin(), begin()]) {
      expect(tracing).toBeUndefined();
      expect(probes.active).toBeUndefined();
    }
    expect(events()).toEqual(['packet-traces.off']);
    expect(bench({}, false).events()).toEqual([]);
  });
});
