import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import type { PacketTracing } from '../../core/datapath/packet-tracing.ts';
import { AuditFile, silentAudit } from '../../gateway/admin/audit-file.ts';
import { furtherRoutes } from '../../gateway/admin/routes/further.ts';
import { lookRoute } from '../../gateway/admin/routes/look.ts';
import { AdminServer } from '../../gateway/admin/server.ts';
import type { GatewayLife } from '../../gateway/life/gateway-life.ts';
import { type Ask, AskError, type WorkerLink, type WorkerLinks } from '../../gateway/workers/ask.ts';
import { besidesRoute } from '../../gateway/workers/view/besides-route.ts';
import { Crew } from '../../gateway/workers/view/crew.ts';
import { VIEW_ROUTES } from '../../gateway/workers/view/routes/index.ts';
import type { ViewDeps } from '../../gateway/workers/view/view-route.ts';
import type { Journal } from '../../observability/journal/journal.ts';
import { LogLevels } from '../../observability/log-levels.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { type AdminRig, adminRig } from './admin-rig.ts';
import { FakeClock } from './fake-clock.ts';
import type { GatewayLab } from './gateway-lab.ts';
import { journalLab } from './journal-lab.ts';
import { testLife } from './life.ts';
import { MemoryLog } from './memory-log.ts';
import { traced } from './packet-traces.ts';

/** Workers whose lives a test decides on. */
export class FakeLinks implements WorkerLinks {
  readonly workers: readonly WorkerLink[];
  private readonly living = new Set<number>();
  private readonly started: ((worker: WorkerLink) => void | Promise<void>)[] = [];
  private readonly ended: ((worker: WorkerLink) => void)[] = [];
  /** What workers answer to questions over IPC; none if left out. */
  reply: (index: number) => unknown = () => undefined;

  constructor(count: number) {
    const { living } = this;
    const request = async <Body, Answer>(index: number, ask: Ask<Body, Answer>): Promise<Answer> => {
      const answer = this.reply(index);
      if (!ask.isAnswer(answer)) throw new AskError('TIMEOUT', 'no answer');
      return answer;
    };
    this.workers = Array.from({ length: count }, (_, index) => ({
      index,
      get alive() {
        return living.has(index);
      },
      request: (ask) => request(index, ask),
    }));
  }

  answer(): void {}

  onStarted(listener: (worker: WorkerLink) => void | Promise<void>): void {
    this.started.push(listener);
  }

  onEnded(listener: (worker: WorkerLink) => void): void {
    this.ended.push(listener);
  }

  async start(index: number): Promise<void> {
    this.living.add(index);
    const worker = this.workers[index];
    if (worker !== undefined) for (const listener of this.started) await listener(worker);
  }

  end(index: number): void {
    this.living.delete(index);
    const worker = this.workers[index];
    if (worker !== undefined) for (const listener of this.ended) listener(worker);
  }
}

export interface RigWorker {
  readonly lab: GatewayLab;
  readonly journal: Journal;
  readonly rig: AdminRig;
  readonly tracing: PacketTracing;
}

const FIRST_LAB_SEED = 1;

const rigWorker = async (index: number): Promise<RigWorker> => {
  const env = { PPTP_CAPTURE_DECRYPTED: 'true' };
  const { lab, journal } = await journalLab({ env, seed: FIRST_LAB_SEED + index });
  const { tracing } = traced(lab.gateway);
  const rig = await adminRig({
    gateway: lab.gateway,
    clock: lab.clock,
    config: loadConfig({ env }).config,
    routes: [...furtherRoutes(tracing), besidesRoute, lookRoute],
    deps: { journal, audit: silentAudit },
  });
  return { lab, journal, rig, tracing };
};

/** A way to a socket that a test can cut; one to nowhere is mute. */
class Way {
  readonly path: string;
  private readonly server: Server;
  private readonly connections = new Set<Socket>();

  private constructor(path: string, to: string | undefined) {
    this.path = path;
    this.server = createServer((near) => {
      this.keep(near);
      if (to === undefined) return;
      const far = this.keep(connect(to));
      near.pipe(far);
      far.pipe(near);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    });
  }

  static async open(path: string, to: string | undefined): Promise<Way> {
    const way = new Way(path, to);
    await new Promise<void>((resolve) => way.server.listen(path, resolve));
    return way;
  }

  async cut(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private keep(connection: Socket): Socket {
    this.connections.add(connection);
    return connection.on('error', () => undefined);
  }
}

/** A supervisor's admin socket and its workers: whole gateways in memory, each with a socket of its own. */
export class CrewRig {
  readonly links: FakeLinks;
  readonly workers: RigWorker[];
  readonly levels = new LogLevels('info');
  readonly log = new MemoryLog();
  readonly clock = new FakeClock();
  readonly life: GatewayLife;
  readonly socket: string;
  private readonly folder: string;
  /** To the socket of each worker. */
  private readonly ways: Way[] = [];
  private readonly server: AdminServer<ViewDeps>;

  private constructor(workers: RigWorker[], patienceMs: number) {
    this.workers = workers;
    this.links = new FakeLinks(workers.length);
    this.folder = mkdtempSync(join(tmpdir(), 'pptp-crew-'));
    this.socket = join(this.folder, 'admin.sock');
    const crew = new Crew(this.links, (index) => this.ways[index]?.path ?? '', patienceMs);
    const { clock, log, levels } = this;
    const loaded = loadConfig({ env: { PPTP_STATE_DIR: this.folder } });
    const { config } = loaded;
    this.life = testLife({ clock, log, loaded });
    const audit = new AuditFile({ folder: this.folder, log });
    this.server = new AdminServer(
      this.socket,
      {
        version: '1.2.3',
        config,
        crew,
        life: this.life,
        clock,
        log,
        levels,
        audit,
        counts: new OpenTelemetryTelemetry(),
        traces: true,
      },
      VIEW_ROUTES,
    );
  }

  static async start(count = 2, patienceMs = 10_000): Promise<CrewRig> {
    const workers: RigWorker[] = [];
    for (let index = 0; index < count; index += 1) workers.push(await rigWorker(index));
    const rig = new CrewRig(workers, patienceMs);
    await rig.server.start();
    for (const [index, { rig: own }] of workers.entries()) {
      rig.ways[index] = await Way.open(join(rig.folder, `way-${index}`), own.socket);
      await rig.links.start(index);
    }
    return rig;
  }

  worker(index: number): RigWorker {
    const found = this.workers[index];
    if (found === undefined) throw new Error(`no worker ${index}`);
    return found;
  }

  /** The process dies: its connections break in the middle of what they say. */
  async crash(index: number): Promise<void> {
    await this.ways[index]?.cut();
    await this.kill(index);
  }

  /** The process ends in order, and nobody listens any more. */
  async kill(index: number): Promise<void> {
    await this.worker(index).rig.stop();
    this.links.end(index);
  }

  /** A new process, which knows nothing of the one before. */
  async restart(index: number): Promise<void> {
    const worker = await rigWorker(index);
    this.workers[index] = worker;
    await this.ways[index]?.cut();
    this.ways[index] = await Way.open(join(this.folder, `way-${index}-again`), worker.rig.socket);
    await this.links.start(index);
  }

  /** The worker takes connections and says nothing. */
  async hang(index: number): Promise<void> {
    await this.ways[index]?.cut();
    this.ways[index] = await Way.open(join(this.folder, `mute-${index}`), undefined);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    for (const way of this.ways) await way.cut();
    for (const [index, { rig }] of this.workers.entries()) {
      if (this.links.workers[index]?.alive === true) await rig.stop();
    }
    rmSync(this.folder, { recursive: true });
  }
}
