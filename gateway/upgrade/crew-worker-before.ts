import type { Log } from '../../core/ports/log.ts';
import type { Gateway } from '../bootstrap.ts';
import { sentenceOf } from '../plugins/plugin-error.ts';
import { readClock } from '../system-clock.ts';
import { sendDescriptors } from '../workers/descriptor-pipe.ts';
import type { WorkerMessage } from '../workers/messages.ts';
import type { SharedPool } from '../workers/shared-pool.ts';
import type { SupervisorPort, Told } from '../workers/supervisor-port.ts';
import { DESCRIPTORS_AT } from '../workers/worker-process.ts';
import { BEQUEATH, GO_ON, LOOK, type MovedWorker, RELEASE, REST, SETTLE, TAKE } from './crew-asks.ts';
import type { WorkerPiece } from './crew-messages.ts';
import { freezeAndTake, inPortions, settleTunnels, takeBack } from './mover.ts';
import { failedBecause, refused } from './talk.ts';

export interface WorkerBeforeDeps {
  readonly port: Pick<SupervisorPort, 'answer' | 'send' | 'deafen'>;
  readonly gateway: Gateway;
  readonly pool: Pick<SharedPool, 'snapshot'> | undefined;
  readonly log: Log;
  /** To the supervisor. */
  readonly send?: (fds: readonly number[]) => void;
}

const MAY_BE_ASKED = [TAKE.name, RELEASE.name, GO_ON.name];

/** In a worker: lets its supervisor hand it over to another process. */
export class WorkerBefore {
  private readonly deps: WorkerBeforeDeps;
  private still = false;

  constructor(deps: WorkerBeforeDeps) {
    this.deps = deps;
    const { port, gateway, log, send = (fds) => sendDescriptors(DESCRIPTORS_AT, fds) } = deps;
    port.answer(LOOK, () => gateway.moving.obstacles());
    port.answer(SETTLE, async (allowDrop) => {
      await settleTunnels(gateway, allowDrop, log);
      return undefined;
    });
    port.answer(BEQUEATH, () => {
      const found = gateway.moving.descriptors();
      if (found === undefined) throw refused('The devices of a worker are not open.');
      send([found.tun.fd, found.gre.fd]);
      return { tun: found.tun.about, gre: found.gre.about, clock: readClock() };
    });
    port.answer(REST, async () => {
      await gateway.moving.rest();
      return undefined;
    });
    port.answer(TAKE, () => this.take());
    port.answer(RELEASE, () => this.release());
    port.answer(GO_ON, () => this.goOn());
  }

  /**
   * The supervisor is gone, or has said that another process goes on. A worker that stands still takes nothing down then:
   * whether another one has its tunnels it cannot know.
   */
  ends(why: Told): void {
    if (why === 'leave' || (why === 'disconnect' && this.still)) this.deps.gateway.moving.gone = true;
  }

  private take(): MovedWorker {
    const { gateway, port, pool } = this.deps;
    this.still = true;
    // Nothing that changes a tunnel may be done to it any more.
    port.deafen(MAY_BE_ASKED);
    const { moved, setups } = freezeAndTake(gateway);
    const { tunnels, connections, callIds, networks } = moved;
    for (const { socket, snapshot } of connections)
      port.send(tell({ kind: 'connection', connection: snapshot }), socket);
    for (const some of inPortions(tunnels)) port.send(tell({ kind: 'tunnels', tunnels: some }));
    return { tunnels: tunnels.length, setups, callIds, networks, borrowed: pool?.snapshot() ?? [] };
  }

  private async release(): Promise<undefined> {
    const { gateway, port } = this.deps;
    for (const part of await gateway.moving.release()) {
      try {
        port.send(tell({ kind: 'part', part }));
      } catch (cause) {
        throw failedBecause(`what ${part.name} hands over is no plain data (${sentenceOf(cause)})`);
      }
    }
    return undefined;
  }

  private async goOn(): Promise<undefined> {
    await takeBack(this.deps.gateway);
    if (this.still) this.deps.gateway.moving.thaw();
    this.still = false;
    this.deps.port.deafen(undefined);
    return undefined;
  }
}

const tell = (body: WorkerPiece): Extract<WorkerMessage, { readonly kind: 'moved' }> => ({ kind: 'moved', body });
