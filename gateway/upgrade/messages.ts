import type { GatewayConfig } from '../../config/types.ts';
import { aCount, aNumber, aRecord, aText, oneOfState, type StateOf, someOf } from '../../core/bytes/state.ts';
import type { ConnectionSnapshot } from '../../plugins/control-pptp/index.ts';
import type { SentTunnel } from '../session/tunnel-snapshot.ts';
import type { ClockReading } from '../system-clock.ts';
import type { MovedLoan, WorkerPiece, WorkerRest } from './crew-messages.ts';
import type { SentPart } from './handed-parts.ts';

/** From the process that serves to the one that is to take over. */
export type ToSuccessor =
  | {
      readonly kind: 'hello';
      readonly state: number;
      readonly version: string;
      readonly pid: number;
      readonly clock: ClockReading;
      /** In force; it holds secrets, and goes to nobody else. */
      readonly config: GatewayConfig;
    }
  /** Comes with the socket. */
  | { readonly kind: 'connection'; readonly connection: ConnectionSnapshot }
  | { readonly kind: 'tunnels'; readonly tunnels: readonly SentTunnel[] }
  /** Of one worker of several; with a connection comes its socket. */
  | { readonly kind: 'worker'; readonly worker: number; readonly part: WorkerPiece }
  | { readonly kind: 'restore-crew'; readonly workers: readonly WorkerRest[]; readonly loans: readonly MovedLoan[] }
  /** Of a plug-in. */
  | { readonly kind: 'part'; readonly part: SentPart }
  /** All has been sent. */
  | { readonly kind: 'restore'; readonly callIds: unknown; readonly networks: readonly string[] }
  /** Serve from now on. Comes with the listener. */
  | { readonly kind: 'yours' };

const text = aText(4096);
const READERS = {
  hello: aRecord({ kind: oneOfState('hello'), state: aCount(0, 1_000_000), version: text }),
  said: aRecord({ kind: oneOfState('said'), line: text }),
  ready: aRecord({ kind: oneOfState('ready') }),
  restored: aRecord({
    kind: oneOfState('restored'),
    tunnels: aCount(0, 1_000_000),
    failed: someOf(text, 1_000_000),
  }),
  serves: aRecord({ kind: oneOfState('serves') }),
  /** Processes that it has started itself. */
  workers: aRecord({ kind: oneOfState('workers'), pids: someOf(aCount(2, 2 ** 31), 64) }),
  failed: aRecord({ kind: oneOfState('failed'), code: text, message: text }),
} as const;

/** From the process that is to take over. */
export type FromSuccessor = StateOf<(typeof READERS)[keyof typeof READERS]>;

const isKind = (kind: unknown): kind is keyof typeof READERS =>
  typeof kind === 'string' && Object.hasOwn(READERS, kind);

/** Undefined: it is none. Another version may have sent anything. */
export const readFromSuccessor = (value: unknown): FromSuccessor | undefined => {
  const kind: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'kind') : undefined;
  return isKind(kind) ? READERS[kind](value)?.value : undefined;
};

const readClock = aRecord({ now: aNumber, host: aNumber });

/** A message to the successor, as far as its kind; what is in it each step looks at. */
export const kindOf = (value: unknown): string | undefined => {
  const kind: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'kind') : undefined;
  return typeof kind === 'string' ? kind : undefined;
};

const readHello = aRecord({
  kind: oneOfState('hello'),
  state: aCount(0, 1_000_000),
  version: text,
  pid: aCount(1, 2 ** 31),
  clock: readClock,
});
export type SuccessorHello = StateOf<typeof readHello> & { readonly config: object };

export const readHelloToSuccessor = (value: unknown): SuccessorHello | undefined => {
  const read = readHello(value)?.value;
  const config: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'config') : undefined;
  return read === undefined || typeof config !== 'object' || config === null ? undefined : { ...read, config };
};

/** Undefined: it is none. Its state is for the part to look at. */
export const readSentPart = (value: unknown): SentPart | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const name: unknown = Reflect.get(value, 'name');
  return typeof name === 'string' ? { name, state: Reflect.get(value, 'state') } : undefined;
};
