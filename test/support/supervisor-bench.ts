import type { Socket } from 'node:net';
import { loadConfig } from '../../config/load.ts';
import type { GatewayError } from '../../core/errors.ts';
import { Supervisor } from '../../gateway/workers/supervisor.ts';
import type { ConnectionSource, ConnectionTaker } from '../../plugins/control-pptp/index.ts';
import { silentTelemetry } from './batches.ts';
import { fakeSocket } from './fake-socket.ts';
import { FakeWorkers } from './fake-workers.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryLog } from './memory-log.ts';

/** The listener of a supervisor of these tests. */
export class FakePort implements ConnectionSource {
  taker: ConnectionTaker | undefined;
  fails: GatewayError | undefined;
  stopped = false;

  get listening() {
    return this.taker === undefined ? undefined : { address: '192.0.2.1', port: 1723 };
  }

  start(taker: ConnectionTaker): Promise<void> {
    if (this.fails !== undefined) return Promise.reject(this.fails);
    this.taker = taker;
    return Promise.resolve();
  }

  /** As node's: it waits for sockets that other processes have. */
  stop(): Promise<void> {
    this.stopped = true;
    this.taker = undefined;
    return new Promise(() => undefined);
  }
}

/** Every promise that is settled by now runs to its end. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A supervisor whose workers and listener are fakes; each worker is ready as soon as it is there, until `up`. */
export const supervisorBench = (count = 2) => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const workers = new FakeWorkers();
  const port = new FakePort();
  const { config } = loadConfig({ env: { PPTP_WORKERS: String(count) } });
  const deps = { clock, log, telemetry: silentTelemetry, fork: workers.fork, source: port };
  const supervisor = new Supervisor(deps, config, '1.2.3');
  workers.onFork = (worker) => worker.ready();
  const connect = (peer = '198.51.100.7'): Socket => {
    const socket = fakeSocket(peer);
    port.taker?.take(socket);
    return socket;
  };
  /** Lets each worker take what it was handed. */
  const takeAll = (): void => {
    for (const worker of workers.all.filter(({ ended }) => !ended)) {
      for (const connection of worker.sockets.keys()) worker.says({ kind: 'taken', connection });
    }
  };
  const up = async (): Promise<void> => {
    await supervisor.start();
    workers.onFork = () => undefined;
  };
  return { clock, log, workers, port, config, supervisor, connect, takeAll, up };
};
