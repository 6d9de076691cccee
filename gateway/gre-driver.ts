import type { GreDriver } from '../config/types.ts';
import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import { GatewayError } from '../core/errors.ts';
import type { InheritedDevice } from '../core/ports/handover.ts';
import type { GreSocket } from '../core/ports/packet-io.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import { BatchGreSocket, batchGrePlugin, loadGreAddon } from '../plugins/io-batch-gre/index.ts';
import { RawGreSocket, rawGrePlugin } from '../plugins/io-raw-gre/index.ts';
import { type LoadedPlugin, withOptions } from './plugin-loader.ts';
import { type Shard, WHOLE } from './workers/shard.ts';

/** Whether a plug-in of this name is one of the two that bind the GRE socket. */
export const isGreDriver = (name: string): boolean => name === batchGrePlugin.name || name === rawGrePlugin.name;

/**
 * The GRE driver that PPTP_GRE_DRIVER asks for; `load` shows whether the addon has what the fast one needs. With workers
 * only that one will do: the other cannot take a part of the calls. Throws GatewayError CONFIG_INVALID or NATIVE_MISSING.
 */
export const greDriver = (
  wanted: GreDriver,
  listen?: Ipv4,
  load: () => unknown = loadGreAddon,
  shard: Shard = WHOLE,
  inherited?: InheritedDevice,
): LoadedPlugin => {
  if (shard.count > 1) checkWorkers(wanted, shard.count, load);
  const { batch, why } = choose(wanted, load);
  const options = { why, ...(listen === undefined ? {} : { listen }) };
  if (!batch) return withOptions(rawGrePlugin, options);
  const share = shard.count > 1 ? { share: { modulus: shard.count, residue: shard.index } } : {};
  return withOptions(batchGrePlugin, { ...options, ...share, inherited });
};

const checkWorkers = (wanted: GreDriver, count: number, load: () => unknown): void => {
  if (wanted === 'raw-socket') {
    throw new GatewayError(
      'CONFIG_INVALID',
      `PPTP_WORKERS is ${count}, and PPTP_GRE_DRIVER=raw-socket cannot give each worker its own packets: set ` +
        'PPTP_GRE_DRIVER=auto, or PPTP_WORKERS=1.',
    );
  }
  try {
    load();
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    const { message, code } = cause;
    throw new GatewayError(code, `${message} Without it only PPTP_WORKERS=1 can run; now it is ${count}.`, { cause });
  }
};

/** A socket of the driver that a gateway would use, for who has no gateway around it. */
export const greSocket = (
  wanted: GreDriver,
  telemetry: Pick<Telemetry, 'dropped'>,
  load: () => unknown = loadGreAddon,
): GreSocket => {
  const Driver = choose(wanted, load).batch ? BatchGreSocket : RawGreSocket;
  return new Driver({ telemetry }, {});
};

const choose = (wanted: GreDriver, load: () => unknown): { readonly batch: boolean; readonly why: string } => {
  if (wanted !== 'auto') return { batch: wanted === 'batch', why: 'PPTP_GRE_DRIVER' };
  try {
    load();
    return { batch: true, why: 'auto: the native addon has it' };
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    return { batch: false, why: `auto: ${cause.message}` };
  }
};
