import { Socket } from 'node:net';
import type { Log } from '../../core/ports/log.ts';
import { holdSocket, readConnectionSnapshot } from '../../plugins/control-pptp/index.ts';
import { cannotUpgrade } from '../admin/routes/upgrade.ts';
import type { Gateway } from '../bootstrap.ts';
import type { Heritage } from '../compose.ts';
import { readTunnelSnapshot, type TunnelSnapshot } from '../session/tunnel-snapshot.ts';
import type { SharedPool } from '../workers/shared-pool.ts';
import type { SupervisorPort } from '../workers/supervisor-port.ts';
import { type FromHeir, isToHeir, type ToHeir, type WorkerHeritage } from './crew-messages.ts';
import { goOnWithout } from './go-on.ts';
import type { SentPart } from './handed-parts.ts';
import { readSentPart } from './messages.ts';
import type { MovedConnection } from './moving.ts';

export interface WorkerAfterDeps {
  readonly port: Pick<SupervisorPort, 'onMoved' | 'send' | 'told' | 'connections'>;
  readonly heritage: WorkerHeritage;
  readonly pool: () => Pick<SharedPool, 'restore' | 'restored'> | undefined;
  readonly log: Log;
  /** Ends this process, without a word to anybody and without touching the host. */
  readonly giveUp: () => void;
}

interface Numbered extends MovedConnection {
  readonly connection: number;
}

type Step<Name extends ToHeir['step']> = Extract<ToHeir, { readonly step: Name }>;

/** In a worker that takes over from another one: waits for its tunnels, and goes on with them when all workers can. */
export class WorkerAfter {
  private readonly deps: WorkerAfterDeps;
  private readonly connections: Numbered[] = [];
  private readonly tunnels: unknown[] = [];
  private readonly parts: SentPart[] = [];
  private lost = 0;
  private serves = false;
  private readonly restore: Promise<Step<'restore'>>;
  private readonly resume: Promise<void>;
  private readonly alone: Promise<void>;
  private hear: (message: ToHeir) => void = () => undefined;

  constructor(deps: WorkerAfterDeps) {
    this.deps = deps;
    const heard = new Map<ToHeir['step'], (message: ToHeir) => void>();
    const next = (step: ToHeir['step']): Promise<ToHeir> => new Promise((resolve) => heard.set(step, resolve));
    this.hear = (message) => heard.get(message.step)?.(message);
    this.restore = next('restore').then((message) =>
      message.step === 'restore' ? message : Promise.reject(new Error('not what was waited for')),
    );
    this.resume = next('resume').then(() => undefined);
    this.alone = next('alone').then(() => undefined);
    deps.port.onMoved((body, handle) => {
      if (isToHeir(body)) this.heard(body, handle);
    });
    void deps.port.told.then(() => {
      // The worker before goes on, or nobody does.
      if (!this.serves) deps.giveUp();
    });
  }

  /** For `composeGateway`. `died` is told of devices that fail. */
  heritage(died: (device: string, cause: unknown) => void): Heritage {
    const { pid, tun, gre } = this.deps.heritage;
    return {
      inheritance: { pid, tun, gre },
      upgradable: () => cannotUpgrade('This process is not the whole gateway.'),
      before: (gateway) => this.takeOver(gateway, died),
      around: (service, work) => goOnWithout(service, work, this.deps.log),
    };
  }

  private async takeOver(gateway: Gateway, died: (device: string, cause: unknown) => void): Promise<void> {
    const { port, log, heritage } = this.deps;
    // What is loaded when it is needed first would keep tunnels waiting that are this worker's by then.
    await Promise.all([import('../admin/serve.ts'), import('../admin/routes/index.ts')]);
    await gateway.start(died);
    this.tell({ step: 'open' });
    const { callIds, networks, borrowed, lent } = await this.restore;
    await gateway.moving.takeOverParts(this.parts);
    const pool = this.deps.pool();
    pool?.restore({ borrowed, lent });
    const read = this.tunnels.map((value) => readTunnelSnapshot(value));
    const good = read.filter((one): one is TunnelSnapshot => one !== undefined);
    for (const { connection, socket } of this.connections) port.connections.restore(connection, socket);
    const failed = [
      ...gateway.moving.restore(good, this.connections, callIds, networks),
      ...Array.from({ length: read.length - good.length + this.lost }, () => 'unreadable'),
    ];
    this.tell({ step: 'restored', tunnels: good.length, failed });
    await this.resume;
    this.serves = true;
    gateway.moving.resume(undefined);
    pool?.restored();
    await gateway.moving.adoptHost();
    log.info('worker.taken-over', 'the worker goes on with the tunnels of the one before', {
      tunnels: good.length,
      before: heritage.pid,
    });
    // Its admin socket is free then. Or the supervisor is gone, and this worker ends as any.
    await Promise.race([this.alone, port.told]);
  }

  private heard(message: ToHeir, handle: unknown): void {
    if (message.step === 'connection') this.takeConnection(message, handle);
    else if (message.step === 'tunnels') this.tunnels.push(...message.tunnels);
    else if (message.step === 'part') this.takePart(message.part);
    else this.hear(message);
  }

  private takeConnection({ connection, snapshot: sent }: Step<'connection'>, handle: unknown): void {
    // Gone meanwhile: the process before would find that out, too.
    if (!(handle instanceof Socket)) {
      this.deps.port.send({ kind: 'ended', connection });
      return;
    }
    handle.on('error', () => undefined);
    holdSocket(handle);
    const snapshot = readConnectionSnapshot(sent);
    if (snapshot === undefined) this.lost += 1;
    else this.connections.push({ connection, socket: handle, snapshot });
  }

  private takePart(value: unknown): void {
    const part = readSentPart(value);
    if (part === undefined) this.lost += 1;
    else this.parts.push(part);
  }

  private tell(body: FromHeir): void {
    this.deps.port.send({ kind: 'moved', body });
  }
}
