import type { Session } from '../session.ts';
import type { UsageCounters } from '../session-usage.ts';
import type { SessionShape, TrafficEvents } from '../shape.ts';

/** Whether nothing may pass any more. The packet that reaches the quota has passed. */
export const isUsedUp = (shape: SessionShape, usage: UsageCounters): boolean =>
  usage.octetsIn + usage.octetsOut >= shape.quotaOctets;

export const tellOnce = (session: Session, shape: SessionShape, events: TrafficEvents): void => {
  if (shape.quotaTold) return;
  shape.quotaTold = true;
  events.onQuotaReached(session);
};
