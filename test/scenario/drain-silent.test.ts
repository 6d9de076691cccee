import { expect, it } from 'vitest';
import { TOKENS } from '../../core/tokens.ts';
import { gatewayBody } from '../../gateway/life/gateway-body.ts';
import { cloudLab } from '../support/cloud-lab.ts';
import { testLife } from '../support/life.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { MemoryTelemetry } from '../support/memory-telemetry.ts';
import { seededRandom } from '../support/seeded-random.ts';

const TUNNELS = 512;
/** At a time: these clients do not repeat themselves. */
const TOGETHER = 64;

it(`ends ${TUNNELS} tunnels whose peers are gone at the deadline of a drain, in turns, each with its accounting`, async () => {
  const records: string[] = [];
  const log = new MemoryLog();
  const { clock, loaded, gateway, control, far, cloud } = await cloudLab({
    pool: '10.96.0.0/16',
    together: TOGETHER,
    log,
    telemetry: new MemoryTelemetry(),
    random: seededRandom(1),
    bind: ({ bind }) =>
      void bind(TOKENS.AccountingSink).toConstantValue({
        name: 'memory',
        start: () => undefined,
        interim: () => undefined,
        stop: (_, { reason }) => void records.push(reason),
      }),
  });
  for (let id = 1; id <= TUNNELS; id += 1) {
    cloud.join(control.open(id, clock.now()));
    if (id % TOGETHER === 0) await clock.advance(100);
  }
  await clock.advance(1_000);
  expect([cloud.up, gateway.sessions()]).toEqual([TUNNELS, TUNNELS]);
  cloud.clear();
  const life = testLife({ clock, log, loaded, body: gatewayBody(gateway) });

  let over = false;
  void life.over.then(() => {
    over = true;
  });
  let frames = 0;
  far.batches$.subscribe((batch) => {
    frames += batch.count;
  });
  life.drain({ seconds: 1, stop: true }, 'SIGTERM', true);
  await clock.advance(999);
  expect([frames, gateway.sessions(), over]).toEqual([0, TUNNELS, false]);
  await clock.advance(1);
  // A turn's share of the Terminate-Requests, and no more.
  expect(frames).toBeLessThan(TUNNELS);
  await clock.advance(100);
  expect([frames, gateway.sessions(), over]).toEqual([TUNNELS, TUNNELS, false]);
  await clock.advance(2_000);
  expect(over).toBe(true);
  await gateway.stop();
  expect([gateway.sessions(), records.length, new Set(records)]).toEqual([0, TUNNELS, new Set(['shutdown'])]);
  expect([clock.pending, log.events('warn'), log.events('error')]).toEqual([0, [], []]);
});
