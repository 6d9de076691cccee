import { NO_SHAPES } from '../../core/datapath/shape-control.ts';
import { InnerNetworks } from '../../gateway/session/inner-networks.ts';
import { NetworkTable } from '../../gateway/session/network-table.ts';
import type { ProfileServices } from '../../gateway/session/profiles.ts';
import { MemoryLog } from './memory-log.ts';

/** A gateway that takes what needs nothing of the host. */
export const NO_PROFILES: ProfileServices = {
  shapes: NO_SHAPES,
  networks: new InnerNetworks({ table: new NetworkTable(), routes: () => undefined, log: new MemoryLog(), own: [] }),
  ipv6: false,
  overhead: 4,
  clearAllowed: false,
};
