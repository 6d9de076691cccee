import { defineSlot } from './slots.ts';

/** The root span of a tunnel's set-up, to which traces of its packets are linked. Both are hexadecimal. */
export interface SetupSpan {
  readonly traceId: string;
  readonly spanId: string;
}

export const SETUP_SPAN = defineSlot<SetupSpan>('setup-span');
