import { defineSlot } from './slots.ts';

/**
 * What of a session has passed, since its call began: inner IP packets and their octets as they are in the tunnel. `in` is
 * what went on to the intranet, `out` what went into the tunnel; what a stage dropped before is not in it. Whole numbers
 * below 2^53, written in place: nothing is allocated per packet.
 */
export class UsageCounters {
  octetsIn = 0;
  octetsOut = 0;
  packetsIn = 0;
  packetsOut = 0;
}

/** Undefined where no traffic stages are: nobody counts. */
export const SESSION_USAGE = defineSlot<UsageCounters>('session-usage');
