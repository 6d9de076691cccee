import type { BatchStep } from '../datapath/stage.ts';
import type { SessionListener } from './session-listener.ts';

/**
 * End-to-end IPsec in or beside the tunnel (R10). Its steps stand in the slot `ipsec`: inbound behind decryption and before
 * the MSS clamp and the source guard, outbound behind these and before encryption. It is told when a session's address is
 * up and down (`SessionListener`): nothing of a session passes its steps before `up` has run and after `down` has, but for
 * Neighbor Discovery of its link, which is never forwarded. Unless `up` throws: then nothing of that session passes at all, and
 * when `changed` throws nothing passes until it returns for a later change.
 * Several: in binding order inbound, reversed outbound.
 */
export interface IpsecHook extends SessionListener {
  readonly name: string;
  readonly inbound?: BatchStep;
  readonly outbound?: BatchStep;
}
