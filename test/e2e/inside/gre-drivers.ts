import type { Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { GreSocket } from '../../../core/ports/packet-io.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import { BatchGreSocket } from '../../../plugins/io-batch-gre/batch-gre-socket.ts';
import { RawGreSocket } from '../../../plugins/io-raw-gre/raw-gre-socket.ts';

interface Parts {
  readonly telemetry: Pick<Telemetry, 'dropped'>;
  readonly log?: Log;
}

interface Options {
  readonly listen?: Ipv4;
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
}

/** The drivers of the port GreSocket, as PPTP_GRE_DRIVER names them. */
export const DRIVERS: Readonly<Record<string, new (parts: Parts, options: Options) => GreSocket>> = {
  'raw-socket': RawGreSocket,
  batch: BatchGreSocket,
};

export const driverNamed = (name: string | undefined): (new (parts: Parts, options: Options) => GreSocket) => {
  const driver = DRIVERS[name ?? ''];
  if (driver === undefined) throw new Error(`there is no GRE driver "${name}"`);
  return driver;
};
