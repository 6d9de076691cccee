import { anInstant, anIpv4, aRecord, aText, aWhole, maybe, type StateOf } from '../../core/bytes/state.ts';
import { type ControlSnapshot, readControlSnapshot } from '../../core/machine/control-snapshot.ts';

const text = aText(256);

const readConnection = aRecord({
  peerName: text,
  local: anIpv4,
  peer: anIpv4,
  /** When the first octet of the peer arrived. */
  since: maybe(anInstant),
  hostName: maybe(text),
  vendorName: maybe(text),
  machine: aWhole<ControlSnapshot>(readControlSnapshot),
});

/** One control connection at one moment; its socket goes beside it. */
export type ConnectionSnapshot = StateOf<typeof readConnection>;

/** Undefined: it is none, or of another version. */
export const readConnectionSnapshot = (value: unknown): ConnectionSnapshot | undefined => readConnection(value)?.value;
