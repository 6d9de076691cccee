import {
  aCount,
  aFlag,
  aNumber,
  anInstant,
  aRecord,
  maybe,
  oneOfState,
  type StateOf,
  someBytes,
  someOf,
} from '../bytes/state.ts';

/** What one call is on the data path at one moment, between batches, for the process that goes on with it. */

const u32 = aCount(0, 0xffffffff);
const counter = aCount(0, Number.MAX_SAFE_INTEGER);
const sequence = aCount(-1, 0xffffffff);
const key = someBytes(0, 16);
const packet = someBytes(0, 0xffff);

const readReorder = aRecord({
  lost: counter,
  reordered: counter,
  expected: u32,
  moved: aFlag,
  started: aFlag,
  waiting: someOf(aRecord({ sequence: u32, bytes: packet, arrived: anInstant }), 0xffff),
  farNext: sequence,
  passed: counter,
  /** Eight words of a bit map. */
  skipped: maybe(someOf(u32, 8)),
});
export type ReorderSnapshot = StateOf<typeof readReorder>;

const readWindow = aRecord({
  timeOuts: counter,
  size: aCount(1, 0xffff),
  roundTrip: aNumber,
  deviation: aNumber,
  timeout: aNumber,
  next: u32,
  oldest: u32,
  highest: sequence,
  total: counter,
  credit: counter,
  silentTimeOuts: counter,
  /** When the packets that are on the way left, oldest first. */
  sentAt: someOf(anInstant, 0xffff),
});
export type GreWindowState = StateOf<typeof readWindow>;

const readTransmit = aRecord({
  window: readWindow,
  waiting: someOf(aRecord({ protocol: aCount(0, 0xffff), bytes: packet }), 0xffff),
  dropped: counter,
  openSince: maybe(anInstant),
});

const readChannel = aRecord({
  queue: readReorder,
  received: counter,
  receivedOctets: counter,
  sent: counter,
  sentOctets: counter,
  peerAcknowledged: sequence,
  nextSequence: u32,
  acknowledged: sequence,
  receivedAt: maybe(anInstant),
  ackDue: maybe(anInstant),
  transmit: maybe(readTransmit),
});
export type GreChannelSnapshot = StateOf<typeof readChannel>;
export const readChannelSnapshot = (value: unknown): GreChannelSnapshot | undefined => readChannel(value)?.value;

const readSessionKey = aRecord({ start: key, current: key, strength: oneOfState(40, 56, 128) });
export type SessionKeySnapshot = StateOf<typeof readSessionKey>;

const readRc4 = aRecord({ s: someBytes(256), i: aCount(0, 255), j: aCount(0, 255) });
export type Rc4Snapshot = StateOf<typeof readRc4>;

const history = someBytes(0, 8192);
const readEncoder = aRecord({
  atFront: aFlag,
  position: aCount(0, 8192),
  history,
  /** Little-endian 16-bit places. */
  head: someBytes(8192),
  chain: someBytes(0, 16_384),
});
export type EncoderSnapshot = StateOf<typeof readEncoder>;

const readDecoder = aRecord({ history, position: aCount(0, 8192) });
export type DecoderSnapshot = StateOf<typeof readDecoder>;

const coherency = aCount(0, 0x0fff);
const readSender = aRecord({
  stateless: aFlag,
  key: maybe(readSessionKey),
  /** Of a stateful stream. */
  tables: maybe(readRc4),
  encoder: maybe(readEncoder),
  count: coherency,
  flush: aFlag,
  emptied: aFlag,
  untried: aCount(-1, 1000),
  patience: aCount(0, 1000),
});
export type MppeSenderSnapshot = StateOf<typeof readSender>;

const readSearch = aRecord({ cursor: key, origin: key, walked: counter });
export type KeySearchSnapshot = StateOf<typeof readSearch>;

const readReceiver = aRecord({
  stateless: aFlag,
  key: maybe(readSessionKey),
  tables: maybe(readRc4),
  decoder: maybe(readDecoder),
  budget: aRecord({ left: aNumber, at: aNumber }),
  search: maybe(readSearch),
  last: coherency,
  lastSequence: sequence,
  earlierKey: key,
  earlierLast: coherency,
  earlierSequence: sequence,
  lost: aFlag,
  resets: counter,
  askAt: aNumber,
  resetChangesKey: aCount(0, 1),
  streak: counter,
});
export type MppeReceiverSnapshot = StateOf<typeof readReceiver>;

const readMppe = aRecord({ sender: maybe(readSender), receiver: maybe(readReceiver), clearAllowed: aFlag });
export type MppeSnapshot = StateOf<typeof readMppe>;
export const readMppeSnapshot = (value: unknown): MppeSnapshot | undefined => readMppe(value)?.value;

const readBucket = aRecord({ level: aNumber, filledAt: aNumber });
export type BucketSnapshot = StateOf<typeof readBucket>;
const readShape = aRecord({ quotaTold: aFlag, in: maybe(readBucket), out: maybe(readBucket) });
/** What is left of rates; the settings are the profile's. */
export type ShapeSnapshot = StateOf<typeof readShape>;
export const readShapeSnapshot = (value: unknown): ShapeSnapshot | undefined => readShape(value)?.value;
