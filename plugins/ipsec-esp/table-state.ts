import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import {
  aCount,
  aFlag,
  anInstant,
  aRecord,
  aText,
  maybe,
  oneOfState,
  type StateOf,
  type StateReader,
  someBytes,
  someOf,
} from '../../core/bytes/state.ts';
import type { EspAlgorithm, SaLimits, SecurityAssociation } from '../../core/ports/security-associations.ts';
import { readCountedState } from './counted-ivs.ts';

/** The associations of one process at one moment, with their keys, for the process that goes on with them: plain data. */

const u32 = aCount(0, 0xffffffff);
const counter = aCount(0, Number.MAX_SAFE_INTEGER);
const name = aText(1024);
const key = someBytes(16, 64);

const anIpv4: StateReader<Ipv4> = (value) => {
  const read = u32(value);
  return read && { value: ipv4(read.value) };
};
const either =
  <A, B>(one: StateReader<A>, other: StateReader<B>): StateReader<A | B> =>
  (value) =>
    one(value) ?? other(value);

const networks = maybe(
  someOf(aRecord({ family: oneOfState(4, 6), words: someOf(u32, 4), masks: someOf(u32, 4), text: aText(64) }), 1024),
);
const limits = maybe(aRecord({ octets: maybe(counter), packets: maybe(counter), seconds: maybe(counter) }));

const readAssociation = aRecord({
  name,
  direction: oneOfState('in', 'out'),
  spi: u32,
  owner: aRecord({ identity: maybe(name), address: maybe(anIpv4) }),
  mode: oneOfState('transport', 'tunnel'),
  host: anIpv4,
  networks,
  peerNetworks: networks,
  algorithm: either<EspAlgorithm, EspAlgorithm>(
    aRecord({ name: oneOfState('aes-cbc-hmac-sha2-256-128'), key, integrityKey: key }),
    aRecord({ name: oneOfState('aes-gcm-16'), key }),
  ),
  esn: aFlag,
  replayWindow: aCount(0, 4096),
  lifetime: maybe(aRecord({ soft: limits, hard: limits })),
  /** Outbound: the last number that was used. */
  sequence: counter,
  replay: aRecord({ top: counter, seen: someOf(u32, 128) }),
  octets: counter,
  packets: counter,
  expired: aFlag,
  softTold: aFlag,
  /** When its lifetime is over; undefined: never. */
  softAt: maybe(anInstant),
  hardAt: maybe(anInstant),
});
export type AssociationState = StateOf<typeof readAssociation>;

const readState = aRecord({
  version: oneOfState(1),
  ivs: readCountedState,
  /** The oldest first. */
  associations: someOf(readAssociation, 65_536),
});
export type TableState = StateOf<typeof readState>;

/** Undefined: it is none, or of another version. */
export const readTableState = (value: unknown): TableState | undefined => readState(value)?.value;

/** What it was made of. */
export const definitionOf = (state: AssociationState): SecurityAssociation => {
  const { direction, spi, mode, host, algorithm, esn, replayWindow, sequence, owner, lifetime } = state;
  return {
    ...{ name: state.name, direction, spi, mode, host, algorithm, esn, replayWindow, sequence },
    owner: without(owner),
    ...(state.networks === undefined ? {} : { networks: state.networks }),
    ...(state.peerNetworks === undefined ? {} : { peerNetworks: state.peerNetworks }),
    ...(lifetime === undefined ? {} : { lifetime: lifetimeOf(lifetime) }),
  };
};

type Lifetime = NonNullable<SecurityAssociation['lifetime']>;

const lifetimeOf = ({ soft, hard }: NonNullable<AssociationState['lifetime']>): Lifetime => ({
  ...(soft === undefined ? {} : { soft: without(soft) satisfies SaLimits }),
  ...(hard === undefined ? {} : { hard: without(hard) satisfies SaLimits }),
});

type Whole<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Fields that are undefined are left out. */
const without = <T extends object>(from: T): Whole<T> => {
  const whole: { -readonly [Name in keyof T]?: Exclude<T[Name], undefined> } = {};
  for (const one of Object.keys(from)) {
    const value: unknown = Reflect.get(from, one);
    if (value !== undefined) Reflect.set(whole, one, value);
  }
  return whole;
};
