import type { SpanReference } from '../ports/telemetry.ts';
import { defineSlot } from './slots.ts';

/** The root span of a tunnel's set-up, to which traces of its packets are linked. */
export const SETUP_SPAN = defineSlot<SpanReference>('setup-span');
