import type { PacketTracing } from '../../../core/datapath/packet-tracing.ts';
import type { AdminRoute } from '../route.ts';
import { traceRoute } from './trace.ts';
import { cannotUpgrade, type Upgradable, upgradeRoute } from './upgrade.ts';

/** Routes that need more than `AdminDeps`. */
export const furtherRoutes = (
  packets: PacketTracing | undefined,
  upgrade: Upgradable = cannotUpgrade('This process is not the whole gateway.'),
): readonly AdminRoute[] => [traceRoute(packets), upgradeRoute(upgrade)];
