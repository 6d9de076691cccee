import type { EncryptionParameters } from '../machine/ppp-link-types.ts';
import { MppeReceiver } from './mppe-receiver.ts';
import { MppeSender } from './mppe-sender.ts';
import type { MppeSnapshot } from './path-snapshot.ts';
import type { Session } from './session.ts';
import { defineSlot } from './slots.ts';

/** What the stage `mppe` keeps of a session. */
export interface MppeState {
  /** Both there (CCP is open, with encryption, compression or both) or both undefined. */
  sender: MppeSender | undefined;
  receiver: MppeReceiver | undefined;
  /** User data may go unencrypted, both ways, as long as encryption is not up. */
  clearAllowed: boolean;
}

export const MPPE_SLOT = defineSlot<MppeState>('mppe');

/** Makes the state of a session, or changes whether it may send and receive user data in the clear. */
export const setClearAllowed = (session: Session, clearAllowed: boolean): void => {
  const state = session.get(MPPE_SLOT);
  if (state === undefined) session.set(MPPE_SLOT, { sender: undefined, receiver: undefined, clearAllowed });
  else state.clearAllowed = clearAllowed;
};

/**
 * CCP opened (fresh keys and counts in both directions) or closed (`undefined`). A session without state gets one that
 * lets nothing go in the clear.
 */
export const setEncryption = (session: Session, parameters: EncryptionParameters | undefined): void => {
  if (session.get(MPPE_SLOT) === undefined) setClearAllowed(session, false);
  const state = session.get(MPPE_SLOT);
  if (state === undefined) return;
  state.sender = parameters === undefined ? undefined : new MppeSender(parameters.keys.send, parameters);
  state.receiver =
    parameters === undefined
      ? undefined
      : new MppeReceiver(parameters.keys.receive, { ...parameters, ...parameters.receive });
};

/** Undefined: nothing was ever said of the session's encryption. */
export const encryptionState = (session: Session): MppeSnapshot | undefined => {
  const state = session.get(MPPE_SLOT);
  return (
    state && { sender: state.sender?.state(), receiver: state.receiver?.state(), clearAllowed: state.clearAllowed }
  );
};

/** Goes on where another process was. False: this is no state of one, and the session has none. */
export const restoreEncryption = (session: Session, snapshot: MppeSnapshot): boolean => {
  const sender = snapshot.sender && MppeSender.restored(snapshot.sender);
  const receiver = snapshot.receiver && MppeReceiver.restored(snapshot.receiver);
  const both = (sender === undefined) === (receiver === undefined);
  const all = (sender === undefined) === (snapshot.sender === undefined);
  if (!both || !all) return false;
  session.set(MPPE_SLOT, { sender, receiver, clearAllowed: snapshot.clearAllowed });
  return true;
};

/** The peer's CCP Reset-Request: the next packet we send is marked FLUSHED (RFC 3078 section 8.2). */
export const flushEncryption = (session: Session): void => session.get(MPPE_SLOT)?.sender?.flushNext();
