import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/ports/log.ts';
import type { Gateway } from '../bootstrap.ts';
import type { ToSuccessor } from './messages.ts';
import type { MovedGateway, Moving } from './moving.ts';
import type { Bequest } from './successor.ts';
import { refused } from './talk.ts';

/** Descriptors for the process that is to take over, and what it is told of them by the place in its list of the first. */
export interface Bequeathed {
  readonly fds: readonly number[];
  bequest(first: number): Bequest;
  /** The new process has its own copies, or there is none. */
  forked(): void;
}

export interface HandedMessage {
  readonly message: ToSuccessor;
  readonly socket?: Socket;
  /** The plug-in that it is of. */
  readonly of?: string;
}

/** Everything that another process needs to go on, in the order in which it is told. */
export interface HandedOver {
  readonly tunnels: number;
  /** Calls that were being set up, and are lost. */
  readonly setups: number;
  readonly listener: Server | undefined;
  /** Connections and tunnels. */
  messages(): Iterable<HandedMessage>;
  /** After them: plug-ins let go of what only one process can have. What there is to say besides, to its end. */
  release(): Promise<readonly HandedMessage[]>;
  /** Throws what speaks against it at the last moment. */
  check(): void;
}

/** What is handed over: a gateway of one process, or of several. */
export interface Mover {
  /** What speaks against it at all, as sentences. */
  obstacles(): Promise<readonly string[]>;
  /** Waits for tunnels that negotiate just now, and ends those that cannot be moved where that may be. Rejects with UPGRADE_REFUSED. */
  settle(allowDrop: boolean): Promise<void>;
  /** Rejects with UPGRADE_REFUSED. From here on, what fails is to be followed by `goOn`. */
  bequeath(): Promise<Bequeathed>;
  /** What plug-ins have under way with others comes to an end. Does not reject. */
  rest(): Promise<void>;
  /** Stands still from now on. */
  take(): Promise<HandedOver>;
  /** Nobody takes over, and all is as it was. True: it had stood still. */
  goOn(): Promise<boolean>;
  /** Another process serves: nothing here is to be taken down any more. */
  leave(): void;
  /** After `leave`: closes this process' copies of everything. */
  abandon(): Promise<void>;
}

/** What of a gateway is moved. */
export interface UpgradedGateway extends Pick<Gateway, 'sessions' | 'tunnels' | 'directory'> {
  readonly moving: Pick<
    Moving,
    | 'gone'
    | 'obstacles'
    | 'descriptors'
    | 'stragglers'
    | 'upCount'
    | 'rest'
    | 'freeze'
    | 'take'
    | 'release'
    | 'takeBack'
    | 'thaw'
    | 'abandon'
  >;
}

/** Tunnels that negotiate just now are given so long to come to rest. */
const REST_MS = 2_000;
const REST_STEP_MS = 100;
/** Tunnels that are ended for the upgrade. */
const END_MS = 5_000;
/** For plug-ins to have again what they let go of; no packet passes meanwhile. */
const TAKE_BACK_MS = 1_000;
/** Most that `settleTunnels` takes. */
export const SETTLE_MS = REST_MS + END_MS;
export const TUNNELS_A_MESSAGE = 64;

/** As a `Mover`'s. */
export const settleTunnels = async (gateway: UpgradedGateway, allowDrop: boolean, log: Log): Promise<void> => {
  for (let waited = 0; waited < REST_MS && gateway.moving.stragglers().up.length > 0; waited += REST_STEP_MS) {
    await sleep(REST_STEP_MS);
  }
  const { up } = gateway.moving.stragglers();
  if (up.length === 0) return;
  const which = `${up.length} of ${gateway.sessions()} tunnels cannot be moved now: they negotiate, or end`;
  if (!allowDrop) throw refused(`${which}. Ask again, or end them with --allow-drop.`);
  log.warn('upgrade.drops', `${which}; they are ended`, { tunnels: up.length });
  const ids = gateway
    .tunnels()
    .filter(({ session }) => up.some(({ localCallId }) => localCallId === session.call.localCallId));
  const ending = { reason: 'administrative', detail: 'the gateway is upgraded' } as const;
  await Promise.race([
    Promise.all(ids.map(({ session }) => gateway.directory.disconnect(session.id, ending))),
    sleep(END_MS),
  ]);
  if (gateway.moving.stragglers().up.length > 0) throw refused(`${which}, and did not end in ${END_MS / 1000} s.`);
};

/** Stands still, and returns what there is. Throws UPGRADE_REFUSED where a tunnel would be lost. */
export const freezeAndTake = ({
  moving,
}: UpgradedGateway): { readonly moved: MovedGateway; readonly setups: number } => {
  const { setups } = moving.stragglers();
  moving.freeze();
  const moved = moving.take();
  const stuck = moving.upCount - moved.tunnels.length;
  if (stuck > 0) throw refused(`The control connections of ${stuck} tunnels cannot be moved: their peers do not read.`);
  return { moved, setups };
};

/** Before `thaw`. What takes longer than a moment goes on beside the tunnels. */
export const takeBack = async ({ moving }: UpgradedGateway): Promise<void> => {
  await Promise.race([moving.takeBack(), sleep(TAKE_BACK_MS)]);
};

/** Lists as large as one message takes. */
export function* inPortions<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += TUNNELS_A_MESSAGE) yield list.slice(from, from + TUNNELS_A_MESSAGE);
}

function* messagesOf({ connections, tunnels }: MovedGateway): Generator<HandedMessage> {
  for (const { socket, snapshot } of connections) {
    yield { message: { kind: 'connection', connection: snapshot }, socket };
  }
  for (const some of inPortions(tunnels)) yield { message: { kind: 'tunnels', tunnels: some } };
}

/** A gateway of one process. */
export class GatewayMover implements Mover {
  private readonly gateway: UpgradedGateway;
  private readonly log: Log;
  private still = false;

  constructor(gateway: UpgradedGateway, log: Log) {
    this.gateway = gateway;
    this.log = log;
  }

  async obstacles(): Promise<readonly string[]> {
    return this.gateway.moving.obstacles();
  }

  settle(allowDrop: boolean): Promise<void> {
    return settleTunnels(this.gateway, allowDrop, this.log);
  }

  async bequeath(): Promise<Bequeathed> {
    const found = this.gateway.moving.descriptors();
    if (found === undefined) throw refused('The devices of the gateway are not open.');
    const { tun, gre } = found;
    return {
      fds: [tun.fd, gre.fd],
      bequest: (first) => ({ tun: { ...tun, fd: first }, gre: { ...gre, fd: first + 1 } }),
      forked: () => undefined,
    };
  }

  rest(): Promise<void> {
    return this.gateway.moving.rest();
  }

  async take(): Promise<HandedOver> {
    this.still = true;
    const { moved, setups } = freezeAndTake(this.gateway);
    const { tunnels, listener, callIds, networks } = moved;
    return {
      tunnels: tunnels.length,
      setups,
      listener,
      messages: () => messagesOf(moved),
      release: async () => {
        const parts = await this.gateway.moving.release();
        return [
          ...parts.map((part): HandedMessage => ({ message: { kind: 'part', part }, of: part.name })),
          { message: { kind: 'restore', callIds, networks } },
        ];
      },
      check: () => undefined,
    };
  }

  async goOn(): Promise<boolean> {
    const { still } = this;
    this.still = false;
    await takeBack(this.gateway);
    if (still) this.gateway.moving.thaw();
    return still;
  }

  leave(): void {
    this.gateway.moving.gone = true;
  }

  abandon(): Promise<void> {
    return this.gateway.moving.abandon();
  }
}
