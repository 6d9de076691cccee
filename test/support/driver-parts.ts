import { setEncryption } from '../../core/datapath/mppe-state.ts';
import { SequenceStage } from '../../core/datapath/stages/sequence.stage.ts';
import { CidrPool } from '../../gateway/session/address-pool.ts';
import { DriverHub } from '../../gateway/session/driver-hub.ts';
import { Outbox } from '../../gateway/session/outbox.ts';
import { SessionTable } from '../../gateway/session/session-table.ts';
import { address } from './batches.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryTelemetry } from './memory-telemetry.ts';
import { NO_PROFILES } from './no-profiles.ts';
import { ObedientControl } from './obedient-control.ts';

/** What a driver stands on in tests: all in memory, with a pool of 253 addresses, no users and no links. */
export const driverParts = () => {
  const clock = new FakeClock();
  const telemetry = new MemoryTelemetry();
  const hub = new DriverHub(
    new Outbox('control-frames', 16, clock, telemetry),
    new Outbox('acknowledgments', 16, clock, telemetry),
  );
  const sequence = new SequenceStage(hub, { window: 16, timeoutMs: 300, ackDelayMs: 100 }, hub.released);
  return {
    clock,
    telemetry,
    log: new MemoryLog(),
    wallClock: { now: () => clock.now() },
    control: new ObedientControl(),
    authenticators: [],
    addresses: new CidrPool({ network: address('10.99.0.0'), prefix: 24, gatewayAddress: address('10.99.0.1') }),
    sessions: new SessionTable(),
    hub,
    stages: [sequence],
    sequence,
    profiles: NO_PROFILES,
    setEncryption,
  };
};
