import { isMppeProtocol, MPPE_HEADER_LENGTH } from '../../wire/mppe-header.ts';
import { KEY_SIZE, type MppeKernel } from '../mppe-kernel.ts';
import { typescriptKernel } from '../mppe-kernel-typescript.ts';
import type { MppeReceiver } from '../mppe-receiver.ts';
import { MppeRun } from '../mppe-run.ts';
import type { MppeSender } from '../mppe-sender.ts';
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
  /** Does stateless streams without compression; one in TypeScript if left out. */
  readonly kernel?: MppeKernel;
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
  private readonly kernel: MppeKernel;
  private readonly arriving = new MppeRun<MppeReceiver>();
  private readonly leaving = new MppeRun<MppeSender>();

  constructor(events: MppeEvents, options: MppeStageOptions) {
    this.events = events;
    this.options = options;
    this.kernel = options.kernel ?? typescriptKernel;
  }

  open(session: Session): void {
    setClearAllowed(session, this.options.clearAllowed);
  }

  close(session: Session): void {
    session.set(MPPE_SLOT, undefined);
  }

  /** As if one packet were done after the other: those in order wait for the kernel, any other waits for them. */
  private decrypt(batch: PacketBatch, from: number): void {
    const run = this.arriving;
    let at = from;
    try {
      for (; at < batch.count; at += 1) {
        batch.cursor = at;
        const index = batch.order[at] as number;
        const protocol = batch.protocol[index] as number;
        if (protocol === COMPRESSED_DATAGRAM) this.decryptNext(batch, at, index);
        else if (isUserData(protocol)) {
          const state = batch.session[index]?.get(MPPE_SLOT);
          if (!mayBeClear(state)) batch.drop(index, 'unencrypted');
        }
      }
    } finally {
      if (run.count > 0) {
        this.openAll(batch);
        batch.cursor = at;
      }
    }
  }

  private decryptNext(batch: PacketBatch, at: number, index: number): void {
    const run = this.arriving;
    const session = batch.session[index];
    const receiver = session?.get(MPPE_SLOT)?.receiver;
    if (session === undefined || receiver === undefined) {
      batch.drop(index, 'wrong-phase');
      return;
    }
    if (run.isFull) this.openAll(batch);
    const offset = batch.offset[index] as number;
    const length = batch.length[index] as number;
    const key = receiver.foresee(batch.slab, offset, length, batch.sequence[index] as number);
    if (key !== undefined) {
      run.add(batch, at, MPPE_HEADER_LENGTH, session, receiver, key);
      return;
    }
    if (run.count > 0) this.openAll(batch);
    batch.cursor = at;
    this.decryptOne(batch, index, session, receiver);
  }

  /**
   * Decrypts what waits. When something throws, the packets after the one at the cursor are as they came, and can be done
   * again; a kernel that throws costs all that waited.
   */
  private openAll(batch: PacketBatch): void {
    const run = this.arriving;
    const { count } = run;
    let packet = -1;
    try {
      batch.cursor = run.position(count - 1);
      this.kernel.run(run.work);
      for (packet = 0; packet < count; packet += 1) {
        batch.cursor = run.position(packet);
        this.openOne(batch, packet);
      }
    } finally {
      if (packet < count) this.giveUp(batch, packet);
      run.clear();
    }
  }

  private giveUp(batch: PacketBatch, failed: number): void {
    const run = this.arriving;
    if (failed >= 0) run.undo(failed + 1);
    for (let packet = Math.max(0, failed); packet < run.count; packet += 1) {
      run.engine(packet)?.forget();
      if (failed < 0) batch.drop(batch.order[run.position(packet)] as number, 'stage-fault');
    }
  }

  private openOne(batch: PacketBatch, packet: number): void {
    const run = this.arriving;
    const index = batch.order[run.position(packet)] as number;
    const session = run.session(packet);
    const receiver = run.engine(packet);
    if (session === undefined || receiver === undefined) return;
    if (run.isUndone(packet)) {
      // What the packet before it led to may have changed the session.
      const current = session.get(MPPE_SLOT)?.receiver;
      if (current === undefined) batch.drop(index, 'wrong-phase');
      else this.decryptOne(batch, index, session, current);
      return;
    }
    receiver.opened(run.work.keys, KEY_SIZE * packet, batch.sequence[index] as number);
    if (this.unwrap(batch, index, receiver, run.work.lengthOf(packet))) return;
    // The count goes back by one, and so the packets behind it are no longer the next ones.
    run.undo(packet + 1, run.work.streamOf(packet));
    receiver.forget();
    this.reject(batch, index, session, receiver);
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
    if (verdict !== 'decrypted' && verdict !== 'garbage') {
      batch.drop(index, verdict);
      return;
    }
    if (verdict === 'garbage' || !this.unwrap(batch, index, receiver, receiver.length)) {
      this.reject(batch, index, session, receiver);
    }
  }

  /** Takes header and protocol field off `length` octets of plain text; false (and no change) when they are no packet. */
  private unwrap(batch: PacketBatch, index: number, receiver: MppeReceiver, length: number): boolean {
    const inner = (batch.offset[index] as number) + MPPE_HEADER_LENGTH;
    const first = batch.slab[inner] as number;
    // An odd first octet is a whole protocol field (RFC 1661 section 6.5).
    const fieldLength = (first & 1) === 1 ? 1 : 2;
    const protocol = fieldLength === 1 ? first : (first << 8) | (batch.slab[inner + 1] as number);
    if (length <= fieldLength || !isPlausible(protocol, batch.slab[inner + fieldLength] as number)) return false;
    // Of what a wrong key gives, four tenths begin with some odd octet: only IP counts as a proof of synchronisation.
    if (isUserData(protocol)) receiver.accepted();
    batch.protocol[index] = protocol;
    batch.length[index] = MPPE_HEADER_LENGTH + length;
    batch.strip(index, MPPE_HEADER_LENGTH + fieldLength);
    return true;
  }

  private reject(batch: PacketBatch, index: number, session: Session, receiver: MppeReceiver): void {
    batch.drop(index, 'decrypt-failed');
    this.events.onGarbage(session, receiver.rejected());
    if (receiver.asksForReset(batch.now)) this.events.onResetNeeded(session);
  }

  private encrypt(batch: PacketBatch, from: number): void {
    const run = this.leaving;
    let at = from;
    try {
      for (; at < batch.count; at += 1) {
        batch.cursor = at;
        const index = batch.order[at] as number;
        const protocol = batch.protocol[index] as number;
        if (!isMppeProtocol(protocol)) continue;
        const session = batch.session[index];
        const state = session?.get(MPPE_SLOT);
        const sender = state?.sender;
        if (session === undefined || sender === undefined) {
          if (!mayBeClear(state)) batch.drop(index, 'wrong-phase');
          continue;
        }
        const key = sender.kernelKey;
        if (run.isFull) this.sealAll(batch);
        batch.strip(index, -2);
        const offset = batch.offset[index] as number;
        batch.slab[offset] = protocol >> 8;
        batch.slab[offset + 1] = protocol & 0xff;
        if (key !== undefined) run.add(batch, at, 0, session, sender, key);
        else {
          batch.length[index] = sender.encrypt(batch.slab, offset, batch.length[index] as number);
          wrap(batch, index);
        }
      }
    } finally {
      if (run.count > 0) {
        this.sealAll(batch);
        batch.cursor = at;
      }
    }
  }

  /** Encrypts what waits. A kernel that throws costs all of it: none may go on in the clear. */
  private sealAll(batch: PacketBatch): void {
    const run = this.leaving;
    const { count, work } = run;
    let packet = 0;
    try {
      batch.cursor = run.position(count - 1);
      this.kernel.run(work);
      for (; packet < count; packet += 1) {
        const position = run.position(packet);
        const sender = run.engine(packet);
        sender?.sealed(work.slab, work.offsetOf(packet));
        // Of packets of one tunnel in a row only the last one's key is ever needed.
        if (packet + 1 === count || run.engine(packet + 1) !== sender) sender?.changed(work.keys, KEY_SIZE * packet);
        wrap(batch, batch.order[position] as number);
      }
    } finally {
      for (; packet < count; packet += 1) batch.drop(batch.order[run.position(packet)] as number, 'stage-fault');
      run.clear();
    }
  }
}

/** The header is in front of the packet now. */
const wrap = (batch: PacketBatch, index: number): void => {
  batch.strip(index, -MPPE_HEADER_LENGTH);
  batch.protocol[index] = COMPRESSED_DATAGRAM;
};

/** Once encryption is up nothing may go round it, whatever the policy was before. */
const mayBeClear = (state: MppeState | undefined): boolean =>
  state?.clearAllowed === true && state.receiver?.isEncrypted !== true;

/** A protocol that MPPE carries and, if it is IP, the version that goes with it. */
const isPlausible = (protocol: number, firstOctet: number): boolean => {
  if (protocol === IPV4) return firstOctet >> 4 === 4;
  if (protocol === IPV6) return firstOctet >> 4 === 6;
  return isMppeProtocol(protocol) && protocol !== COMPRESSED_DATAGRAM;
};
