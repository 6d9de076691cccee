import { isMppeProtocol, MPPE_HEADER_LENGTH } from '../../wire/mppe-header.ts';
import type { MppeReceiver } from '../mppe-receiver.ts';
import { MPPE_SLOT, type MppeState, setClearAllowed } from '../mppe-state.ts';
import { type PacketBatch, SLOT_SIZE } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

/** PPP protocols this stage knows: MPPE datagrams, and the user data that belongs into them. */
const COMPRESSED_DATAGRAM = 0x00fd;
const IPV4 = 0x0021;
const IPV6 = 0x0057;

const isUserData = (protocol: number): boolean => protocol === IPV4 || protocol === IPV6;

/** Told by the stage, from inside a batch: act later, do not touch the batch. */
export interface MppeEvents {
  /** What a packet decrypted to was no packet, `consecutive` times in a row: keys or counts do not agree. */
  onGarbage(session: Session, consecutive: number): void;
  /** Stateful mode lost a packet: send a CCP Reset-Request (RFC 3078 section 8.2). At most every half second. */
  onResetNeeded(session: Session): void;
}

export interface MppeStageOptions {
  /** Whether new sessions may move user data in the clear; `setClearAllowed` changes it for one. */
  readonly clearAllowed: boolean;
}

/**
 * MPPE and MPPC, both ways (RFC 3078, RFC 2118; they share a header, and so this stage). In: `protocol` 0x00FD becomes the protocol found inside and the window the payload. Out:
 * the window becomes the MPPE datagram and `protocol` 0x00FD. Other protocols than user data pass as they are.
 */
export class MppeStage implements Stage {
  readonly name = 'mppe';
  readonly slot = STAGE_SLOT.mppe;
  readonly inbound: BatchStep = { process: (batch, from) => this.decrypt(batch, from) };
  readonly outbound: BatchStep = { process: (batch, from) => this.encrypt(batch, from) };
  private readonly events: MppeEvents;
  private readonly options: MppeStageOptions;

  constructor(events: MppeEvents, options: MppeStageOptions) {
    this.events = events;
    this.options = options;
  }

  open(session: Session): void {
    setClearAllowed(session, this.options.clearAllowed);
  }

  close(session: Session): void {
    session.set(MPPE_SLOT, undefined);
  }

  private decrypt(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] as number;
      const protocol = batch.protocol[index] as number;
      if (protocol === COMPRESSED_DATAGRAM) {
        const session = batch.session[index];
        const receiver = session?.get(MPPE_SLOT)?.receiver;
        if (session === undefined || receiver === undefined) batch.drop(index, 'wrong-phase');
        else this.decryptOne(batch, index, session, receiver);
      } else if (isUserData(protocol)) {
        const state = batch.session[index]?.get(MPPE_SLOT);
        if (!mayBeClear(state)) batch.drop(index, 'unencrypted');
      }
    }
  }

  private decryptOne(batch: PacketBatch, index: number, session: Session, receiver: MppeReceiver): void {
    const offset = batch.offset[index] as number;
    const length = batch.length[index] as number;
    const room = (index + 1) * SLOT_SIZE - offset;
    const verdict = receiver.decrypt(batch.slab, offset, length, batch.sequence[index], batch.now, room);
    if (verdict === 'reset-needed') {
      batch.drop(index, 'decrypt-failed');
      this.events.onResetNeeded(session);
      return;
    }
    if (verdict === 'garbage') {
      this.reject(batch, index, session, receiver);
      return;
    }
    if (verdict !== 'decrypted') {
      batch.drop(index, verdict);
      return;
    }
    const inner = offset + MPPE_HEADER_LENGTH;
    const first = batch.slab[inner] as number;
    // An odd first octet is a whole protocol field (RFC 1661 section 6.5).
    const fieldLength = (first & 1) === 1 ? 1 : 2;
    const left = receiver.length - fieldLength;
    const protocol = fieldLength === 1 ? first : (first << 8) | (batch.slab[inner + 1] as number);
    if (left <= 0 || !isPlausible(protocol, batch.slab[inner + fieldLength] as number)) {
      this.reject(batch, index, session, receiver);
      return;
    }
    // Of what a wrong key gives, four tenths begin with some odd octet: only IP counts as a proof of synchronisation.
    if (isUserData(protocol)) receiver.accepted();
    batch.protocol[index] = protocol;
    batch.length[index] = MPPE_HEADER_LENGTH + receiver.length;
    batch.strip(index, MPPE_HEADER_LENGTH + fieldLength);
  }

  private reject(batch: PacketBatch, index: number, session: Session, receiver: MppeReceiver): void {
    batch.drop(index, 'decrypt-failed');
    this.events.onGarbage(session, receiver.rejected());
    if (receiver.asksForReset(batch.now)) this.events.onResetNeeded(session);
  }

  private encrypt(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] as number;
      const protocol = batch.protocol[index] as number;
      if (!isMppeProtocol(protocol)) continue;
      const state = batch.session[index]?.get(MPPE_SLOT);
      const sender = state?.sender;
      if (sender === undefined) {
        if (!mayBeClear(state)) batch.drop(index, 'wrong-phase');
        continue;
      }
      batch.strip(index, -2);
      const offset = batch.offset[index] as number;
      batch.slab[offset] = protocol >> 8;
      batch.slab[offset + 1] = protocol & 0xff;
      batch.length[index] = sender.encrypt(batch.slab, offset, batch.length[index] as number);
      batch.strip(index, -MPPE_HEADER_LENGTH);
      batch.protocol[index] = COMPRESSED_DATAGRAM;
    }
  }
}

/** Once encryption is up nothing may go round it, whatever the policy was before. */
const mayBeClear = (state: MppeState | undefined): boolean =>
  state?.clearAllowed === true && state.receiver?.isEncrypted !== true;

/** A protocol that MPPE carries and, if it is IP, the version that goes with it. */
const isPlausible = (protocol: number, firstOctet: number): boolean => {
  if (protocol === IPV4) return firstOctet >> 4 === 4;
  if (protocol === IPV6) return firstOctet >> 4 === 6;
  return isMppeProtocol(protocol) && protocol !== COMPRESSED_DATAGRAM;
};
