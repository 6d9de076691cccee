import type { JournalNumbers } from '../../observability/journal/record.ts';
import type { TunnelView } from '../session/tunnel-view.ts';

/** What passed through a tunnel, as the journal keeps it. */
export const journalNumbers = ({ gre, drops }: TunnelView): JournalNumbers => ({
  packetsIn: gre?.received ?? 0,
  packetsOut: gre?.sent ?? 0,
  octetsIn: gre?.receivedOctets ?? 0,
  octetsOut: gre?.sentOctets ?? 0,
  lost: gre?.lost ?? 0,
  acknowledged: gre?.peerAcknowledged ?? -1,
  windowDropped: gre?.window?.dropped,
  drops: Object.fromEntries(drops),
});
