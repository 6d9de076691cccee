import type { OpenDatagramSocket } from '../../plugins/radius/client/index.ts';
import { RadiusClient, type RadiusClientOptions } from '../../plugins/radius/client/index.ts';
import type { FakeClock } from '../../testing/lab/fake-clock.ts';
import { MemoryLog } from '../../testing/lab/memory-log.ts';
import { seededRandom } from './seeded-random.ts';

/** What a client reaches instead of a network. */
export interface DatagramServer {
  receive(bytes: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Sockets that end at these servers, by host name; what has no server goes nowhere. */
export const socketsTo =
  (servers: Readonly<Record<string, DatagramServer>>): OpenDatagramSocket =>
  ({ host }, _bind, events) => {
    let closed = false;
    return {
      send: (bytes) => {
        void servers[host]?.receive(bytes.slice()).then((reply) => {
          if (reply !== undefined && !closed) events.message(reply);
        });
      },
      close: () => {
        closed = true;
      },
    };
  };

export const BENCH_SECRET = 'a secret of the bench';

export const radiusClient = (
  server: DatagramServer,
  clock: FakeClock,
  log: MemoryLog = new MemoryLog(),
  changes: Partial<RadiusClientOptions> = {},
): RadiusClient =>
  new RadiusClient(
    {
      purpose: 'authentication',
      servers: [{ host: 'radius', port: 1812, weight: 1 }],
      secret: BENCH_SECRET,
      timeoutMs: 2000,
      tries: 2,
      deadTimeMs: 60_000,
      maxOutstanding: 256,
      maxWaiting: 64,
      requireMessageAuthenticator: true,
      ...changes,
    },
    {
      clock,
      log,
      random: seededRandom(5),
      telemetry: { event: () => undefined },
      open: socketsTo({ radius: server }),
    },
  );
