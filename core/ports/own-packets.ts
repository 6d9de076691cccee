import type { Session } from '../datapath/session.ts';

/** Takes packets that this side makes itself. They leave at the end of the turn; one that finds no room is counted. */
export interface OwnPackets {
  /** `protocol` is that of PPP, 0 towards the intranet; `bytes` is a whole IP packet, copied before return. */
  put(session: Session, protocol: number, bytes: Uint8Array): void;
}
