import type { Clock } from '../../core/ports/clock.ts';
import type { Instant } from '../../core/time.ts';

/** An instant of the gateway's clock as ISO 8601: "2026-11-22T11:40:00.000Z". */
export const wallTime = (clock: Clock, at: Instant): string => new Date(Date.now() - (clock.now() - at)).toISOString();
