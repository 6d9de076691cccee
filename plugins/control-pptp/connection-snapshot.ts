import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { aCount, anInstant, aRecord, aText, maybe, type StateOf, type StateReader } from '../../core/bytes/state.ts';
import { type ControlSnapshot, readControlSnapshot } from '../../core/machine/control-snapshot.ts';

const text = aText(256);
const anIpv4: StateReader<Ipv4> = (value) => {
  const read = aCount(0, 0xffffffff)(value);
  return read && { value: ipv4(read.value) };
};
const aMachine: StateReader<ControlSnapshot> = (value) => {
  const read = readControlSnapshot(value);
  return read && { value: read };
};

const readConnection = aRecord({
  peerName: text,
  local: anIpv4,
  peer: anIpv4,
  /** When the first octet of the peer arrived. */
  since: maybe(anInstant),
  hostName: maybe(text),
  vendorName: maybe(text),
  machine: aMachine,
});

/** One control connection at one moment; its socket goes beside it. */
export type ConnectionSnapshot = StateOf<typeof readConnection>;

/** Undefined: it is none, or of another version. */
export const readConnectionSnapshot = (value: unknown): ConnectionSnapshot | undefined => readConnection(value)?.value;
