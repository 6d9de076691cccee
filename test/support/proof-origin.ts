import type { ProofOrigin } from '../../core/ports/auth.ts';
import { openSession } from './batches.ts';

/** Whose proof it is, for back-ends that do not care. */
export const ORIGIN: ProofOrigin = { session: openSession(), peerName: '203.0.113.9:51234' };
