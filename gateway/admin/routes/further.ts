import type { PacketTracing } from '../../../core/datapath/packet-tracing.ts';
import type { AdminRoute } from '../route.ts';
import { traceRoute } from './trace.ts';

/** Routes that need more than `AdminDeps`. */
export const furtherRoutes = (packets: PacketTracing | undefined): readonly AdminRoute[] => [traceRoute(packets)];
