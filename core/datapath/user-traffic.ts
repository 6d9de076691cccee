import type { Instant } from '../time.ts';
import { defineSlot } from './slots.ts';

/** When user data last passed, in either direction; what the gateway makes itself does not count. */
export interface UserTraffic {
  lastUsed: Instant;
}

export const USER_TRAFFIC = defineSlot<UserTraffic>('user-traffic');
