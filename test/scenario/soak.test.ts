import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../core/datapath/session.ts';
import type { CallEndpoint } from '../../core/ports/ids.ts';
import { TOKENS } from '../../core/tokens.ts';
import { cloudLab } from '../support/cloud-lab.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { MemoryTelemetry } from '../support/memory-telemetry.ts';
import { seededRandom } from '../support/seeded-random.ts';

const ROUNDS = 4;
const CLIENTS = 500;
/** 1,021 client addresses: the third round has to use those of the first again. */
const POOL = '10.96.0.0/22';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** A whole gateway in memory, and what is to be seen of its sessions from outside. */
const bench = async () => {
  const log = new MemoryLog();
  const telemetry = new MemoryTelemetry();
  const sessions: WeakRef<Session>[] = [];
  let open = 0;
  const lab = await cloudLab({
    pool: POOL,
    together: CLIENTS,
    log,
    telemetry,
    random: seededRandom(1),
    bind: ({ bind }) =>
      void bind(TOKENS.Stage).toConstantValue({
        name: 'witness',
        slot: 790,
        open: (session) => {
          sessions.push(new WeakRef(session));
          open += 1;
        },
        close: () => {
          open -= 1;
        },
      }),
  });
  return { ...lab, log, telemetry, sessions, open: () => open };
};

describe(`${ROUNDS * CLIENTS} sessions, ${CLIENTS} at a time`, () => {
  it('leave nothing behind when they are gone', { timeout: 120_000 }, async () => {
    const { clock, log, telemetry, gateway, control, cloud, sessions, open } = await bench();
    const dial = async (count: number) => {
      const calls: CallEndpoint[] = [];
      while (calls.length < count) {
        const call = control.open(calls.length + 1, clock.now());
        calls.push(call);
        cloud.join(call);
        // No more at once than the gateway's outbox has room for: these clients do not repeat themselves.
        if (calls.length % 100 === 0) await clock.advance(100);
      }
      await clock.advance(1_000);
      expect([cloud.up, gateway.sessions(), open()]).toEqual([count, count, count]);
      return calls;
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const calls = await dial(CLIENTS);
      // Some leave by the control connection, some by PPP, and some by a cable that was pulled.
      for (const [i, call] of calls.entries()) {
        if (i % 3 === 0) control.close(call);
        else if (i % 3 === 1) cloud.leave(call.peerCallId);
      }
      await clock.advance(1_000);
      cloud.clear();
      await clock.advance(200_000);
      expect([gateway.sessions(), open(), clock.pending]).toEqual([0, 0, 0]);
    }
    expect(new Set(control.cleared.map(({ reason }) => reason))).toEqual(new Set(['peer-terminated', 'link-dead']));
    expect([log.events('warn'), log.events('error'), telemetry.faults]).toEqual([[], [], []]);
    expect(telemetry.traces.filter(({ ended, failure }) => !ended || failure !== undefined)).toEqual([]);

    // One more each way, so that the reused batches let go of the last sessions.
    const [last] = await dial(1);
    const alive = () => sessions.filter((reference) => reference.deref() !== undefined).length;
    // A compiler thread that is at work may hold an object for some turns, and so does whoever has just asked a WeakRef.
    for (let turn = 0; turn < 50; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      if (alive() === 1) break;
    }
    expect(sessions).toHaveLength(ROUNDS * CLIENTS + 1);
    expect(sessions.filter((reference) => reference.deref() !== undefined)).toHaveLength(1);
    if (last !== undefined) control.close(last);
    await gateway.stop();
    expect(clock.pending).toBe(0);
  });
});
