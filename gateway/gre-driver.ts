import type { GreDriver } from '../config/types.ts';
import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import { GatewayError } from '../core/errors.ts';
import { batchGrePlugin, loadGreAddon } from '../plugins/io-batch-gre/index.ts';
import { rawGrePlugin } from '../plugins/io-raw-gre/index.ts';
import { type LoadedPlugin, withOptions } from './plugin-loader.ts';

/** Whether a plug-in of this name is one of the two that bind the GRE socket. */
export const isGreDriver = (name: string): boolean => name === batchGrePlugin.name || name === rawGrePlugin.name;

/** The GRE driver that PPTP_GRE_DRIVER asks for; `load` shows whether the addon has what the fast one needs. */
export const greDriver = (wanted: GreDriver, listen?: Ipv4, load: () => unknown = loadGreAddon): LoadedPlugin => {
  const { batch, why } = wanted === 'auto' ? choose(load) : { batch: wanted === 'batch', why: 'PPTP_GRE_DRIVER' };
  const options = { why, ...(listen === undefined ? {} : { listen }) };
  return batch ? withOptions(batchGrePlugin, options) : withOptions(rawGrePlugin, options);
};

const choose = (load: () => unknown): { readonly batch: boolean; readonly why: string } => {
  try {
    load();
    return { batch: true, why: 'auto: the native addon has it' };
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    return { batch: false, why: `auto: ${cause.message}` };
  }
};
