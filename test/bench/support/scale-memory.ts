import type { Log } from '../../../core/ports/log.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import { systemRandom } from '../../../gateway/system-clock.ts';
import { cloudLab } from '../../support/cloud-lab.ts';
import { heldOctets } from './held-octets.ts';

/** At a time: the gateway's outbox has room for no more, and these clients do not repeat themselves. */
const TOGETHER = 100;

/**
 * The gateway's session, PPP link and data path of a tunnel, in octets, without the control connection: a whole gateway on
 * devices in memory, whose clients are thrown away before it is measured.
 */
export const memoryPerTunnel = async (tunnels: number, log: Log, telemetry: Telemetry): Promise<number> => {
  const lab = { pool: '10.96.0.0/16', together: TOGETHER, log, telemetry, random: systemRandom };
  const { clock, control, cloud, gateway } = await cloudLab(lab);
  const dial = async (first: number, last: number): Promise<void> => {
    for (let id = first; id <= last; id += 1) {
      cloud.join(control.open(id, clock.now()));
      if (id % TOGETHER === 0) await clock.advance(20);
    }
    await clock.advance(1_000);
    if (cloud.up !== last - first + 1) throw new Error(`${last - first + 1 - cloud.up} tunnels did not come up`);
    // What a tunnel needs for its set-up only is given up by then.
    cloud.clear();
    await clock.advance(4_000);
  };
  // The code and what is made once.
  await dial(1, TOGETHER);
  const before = heldOctets();
  await dial(TOGETHER + 1, TOGETHER + tunnels);
  const after = heldOctets();
  if (gateway.sessions() !== TOGETHER + tunnels) throw new Error('tunnels were lost');
  await gateway.stop();
  return (after - before) / tunnels;
};
