import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../../config/load.ts';
import { gatewayOptions } from '../../../gateway/options.ts';
import { systemRandom } from '../../../gateway/system-clock.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { addUser, listUsers } from '../../../plugins/backend-user-file/index.ts';
import { GreStream } from './gre-stream.ts';
import { ScaleClients } from './scale-clients.ts';

/** Numbers of the gateway's process. `held`: octets after garbage collection, 0 when that was not asked for. */
export interface ScaleNumbers {
  readonly held: number;
  readonly resident: number;
  readonly cpuMs: number;
  readonly tunnels: number;
  readonly delayMaxMs: number;
  readonly delayP99Ms: number;
}

const PASSWORD = 'wonderland';
const POLL_MS = 2;

/** A gateway in a process of its own, and its clients in this one. */
export class ScaleGateway {
  private readonly child: ChildProcess;
  private readonly clients: ScaleClients;

  private constructor(child: ChildProcess, clients: ScaleClients) {
    this.child = child;
    this.clients = clients;
  }

  /** `folder` is for the user file; `settings` are the gateway's. */
  static async start(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<ScaleGateway> {
    const users = join(folder, 'users');
    const known = await listUsers(users).catch(() => []);
    if (known.length === 0) await addUser(users, { name: 'alice', password: PASSWORD });
    const port = await freePort();
    const main = fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? './scale-gateway-main.ts' : './scale-gateway-main.js', import.meta.url),
    );
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
      env: {
        ...process.env,
        PPTP_LISTEN: '127.0.0.1',
        PPTP_PORT: String(port),
        PPTP_USERS_FILE: users,
        PPTP_POOL: '10.96.0.0/15',
        PPTP_MAX_CONNECTIONS: '65000',
        PPTP_MAX_CALLS: '65000',
        ...settings,
      },
    });
    await once(child, 'message');
    const stream = child.stdio[4];
    if (!(stream instanceof Duplex)) throw new Error('the gateway has no descriptor 4');
    const gre = new GreStream(stream);
    const { role: _, ...link } = gatewayOptions(loadConfig({ env: {} }).config).session.link;
    const clients = new ScaleClients(gre, port, {
      ...link,
      role: 'client',
      authMethods: [msChapV2Method()],
      localName: 'alice',
      password: PASSWORD,
      random: systemRandom,
    });
    await gre.start();
    return new ScaleGateway(child, clients);
  }

  /** So many more tunnels, so many calls at a time. Without `patienceMs` a call that fails is an error. */
  async dial(tunnels: number, together: number, patienceMs?: number): Promise<void> {
    const { clients } = this;
    const wanted = clients.count + tunnels;
    const until = performance.now() + (patienceMs ?? Number.POSITIVE_INFINITY);
    for (;;) {
      const busy = clients.count - clients.up - clients.ended;
      const room = Math.min(together - busy, wanted - clients.count);
      for (let i = 0; i < room; i += 1) void clients.call();
      if (patienceMs === undefined && clients.ended > 0) throw new Error(`${clients.ended} calls failed`);
      if (clients.up + clients.ended >= wanted || performance.now() > until) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Calls that failed, and tunnels that their clients know to be over. */
  get ended(): number {
    return this.clients.ended;
  }

  /** Sends an echo through the tunnel of the client with this number: 1 is the first that called. */
  echo(number: number): void {
    this.clients.echo(number);
  }

  /** Round trips in ms, those that are not over yet included. */
  takeRoundTrips(): readonly number[] {
    return this.clients.takeRoundTrips();
  }

  /** ms from the first octet to IPCP open, of every tunnel that is up. */
  times(): readonly number[] {
    return this.clients.times();
  }

  /** `collect`: after a garbage collection. `reset`: the turns of the event loop are measured anew. */
  async ask(question: 'collect' | 'numbers' | 'reset'): Promise<ScaleNumbers> {
    this.child.send(question);
    const [answer] = (await once(this.child, 'message')) as [ScaleNumbers];
    return answer;
  }

  async stop(): Promise<void> {
    this.clients.stop();
    this.child.kill();
    await once(this.child, 'exit');
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
};
