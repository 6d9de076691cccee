import type { Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { BoundedLog } from '../../../core/ports/bounded-log.ts';
import type { CancelSignal } from '../../../core/ports/cancel.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { RandomSource } from '../../../core/ports/random.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import type {
  GroupEffect,
  GroupInput,
  GroupOptions,
  RadiusAnswer,
  RadiusRequest,
  RequestFailure,
} from './group-types.ts';
import { ServerGroup } from './server-group.ts';
import { type DatagramSocket, type OpenDatagramSocket, openUdpSocket, type ServerAddress } from './udp-socket.ts';

export interface RadiusServer extends ServerAddress {
  /** Share of the requests; 0: asked only when no other lives. */
  readonly weight: number;
}

export interface RadiusClientOptions extends Omit<GroupOptions, 'servers' | 'secret'> {
  /** Of these servers in logs: `authentication`, `accounting`. */
  readonly purpose: string;
  readonly servers: readonly RadiusServer[];
  readonly secret: string;
  /** Our address; undefined: as routing chooses. */
  readonly bind?: Ipv4;
}

export interface RadiusClientDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
  readonly open?: OpenDatagramSocket;
}

/** Why a request has no answer. */
export class RadiusFailure extends Error {
  override readonly name = 'RadiusFailure';
  readonly code: RequestFailure | 'cancelled' | 'closed' | 'moved';

  constructor(code: RadiusFailure['code']) {
    super(MESSAGES[code]);
    this.code = code;
  }
}

const MESSAGES: Readonly<Record<RadiusFailure['code'], string>> = {
  'no-answer': 'no RADIUS server has answered',
  busy: 'too many requests wait for the RADIUS servers',
  'too-large': 'the request has more than 4096 octets',
  cancelled: 'nobody waits for the answer any more',
  closed: 'the gateway stops',
  moved: 'other servers are asked now',
};

interface Waiter {
  resolve(answer: RadiusAnswer): void;
  reject(cause: RadiusFailure): void;
}

/** A group of servers behind sockets that are opened when they are needed, and opened again when one failed. */
export class RadiusClient {
  private readonly options: RadiusClientOptions;
  private readonly deps: RadiusClientDeps;
  private readonly group: ServerGroup;
  private readonly sockets = new Map<string, DatagramSocket>();
  private readonly waiters = new Map<number, Waiter>();
  private readonly warnings: BoundedLog;
  private lastId = 0;
  private timer: { readonly when: number; cancel(): void } | undefined;
  private closed = false;
  private retired = false;

  constructor(options: RadiusClientOptions, deps: RadiusClientDeps) {
    this.options = options;
    this.deps = deps;
    this.group = new ServerGroup({ ...options, secret: new TextEncoder().encode(options.secret) }, deps.random);
    this.warnings = new BoundedLog(deps.log, () => deps.clock.now());
  }

  /** "192.0.2.1:1812", for people. */
  nameOf(server: number): string {
    const one = this.options.servers[server];
    return one === undefined ? 'unknown' : `${one.host}:${one.port}`;
  }

  get load(): ServerGroup['load'] {
    return this.group.load;
  }

  /** The answer, verified. Rejects with RadiusFailure. */
  ask(request: RadiusRequest, signal?: CancelSignal): Promise<RadiusAnswer> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new RadiusFailure('closed'));
      if (this.retired) return reject(new RadiusFailure('moved'));
      if (signal?.aborted === true) return reject(new RadiusFailure('cancelled'));
      this.lastId += 1;
      const id = this.lastId;
      this.waiters.set(id, { resolve, reject });
      signal?.addEventListener('abort', () => {
        if (!this.waiters.delete(id)) return;
        this.handle({ kind: 'cancel', id });
        reject(new RadiusFailure('cancelled'));
      });
      return this.handle({ kind: 'ask', id, request });
    });
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Rejects what was not sent yet, and is closed when the last of the other requests is over. */
  retire(): void {
    this.retired = true;
    for (const id of this.group.unsent) {
      const waiter = this.waiter(id);
      this.handle({ kind: 'cancel', id });
      waiter?.reject(new RadiusFailure('moved'));
    }
    this.closeAfterTheLast();
  }

  /** Gives up what waits. It answers nothing any more. */
  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.timer = undefined;
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
    for (const { reject } of this.waiters.values()) reject(new RadiusFailure('closed'));
    this.waiters.clear();
  }

  private handle(input: GroupInput): void {
    if (this.closed) return;
    this.apply(this.group.handle(input, this.deps.clock.now()));
  }

  private apply(effects: readonly GroupEffect[]): void {
    for (const effect of effects) this.execute(effect);
    this.arm();
    this.closeAfterTheLast();
  }

  private closeAfterTheLast(): void {
    const { outstanding, waiting } = this.group.load;
    if (this.retired && !this.closed && outstanding + waiting === 0) this.close();
  }

  private execute(effect: GroupEffect): void {
    const { log, telemetry } = this.deps;
    const { purpose } = this.options;
    switch (effect.kind) {
      case 'send':
        this.socket(effect.server, effect.socket).send(effect.bytes);
        return;
      case 'answered':
        this.waiter(effect.id)?.resolve(effect.answer);
        return;
      case 'failed':
        this.waiter(effect.id)?.reject(new RadiusFailure(effect.why));
        return;
      case 'dropped': {
        const { why } = effect;
        telemetry.event('radius.dropped', { purpose, why });
        const server = this.nameOf(effect.server);
        this.warnings.warn(`radius.dropped`, `an answer of a RADIUS server was dropped: ${HINTS[why] ?? why}`, {
          purpose,
          server,
          why,
        });
        return;
      }
      case 'silent':
        this.forget(effect.server);
        return;
      case 'server-dead':
        telemetry.event('radius.server-dead', { purpose });
        log.warn('radius.server-dead', 'a RADIUS server does not answer; others are asked before it for a while', {
          purpose,
          server: this.nameOf(effect.server),
        });
        return;
      case 'server-alive':
        log.info('radius.server-alive', 'a RADIUS server answers again', {
          purpose,
          server: this.nameOf(effect.server),
        });
        return;
    }
  }

  private waiter(id: number): Waiter | undefined {
    const waiter = this.waiters.get(id);
    this.waiters.delete(id);
    return waiter;
  }

  private socket(server: number, number: number): DatagramSocket {
    const key = `${server}/${number}`;
    const known = this.sockets.get(key);
    if (known !== undefined) return known;
    const address = this.options.servers[server] ?? { host: '', port: 0 };
    const open = this.deps.open ?? openUdpSocket;
    const socket = open(address, this.options.bind, {
      message: (bytes) => this.handle({ kind: 'datagram', server, socket: number, bytes }),
      failed: (why, unreachable) => {
        if (this.sockets.get(key) === socket) this.sockets.delete(key);
        if (this.closed) return;
        this.warnings.warn('radius.socket', 'the socket to a RADIUS server failed and is opened again', {
          server: this.nameOf(server),
          why,
        });
        if (unreachable) this.handle({ kind: 'unreachable', server });
      },
    });
    this.sockets.set(key, socket);
    return socket;
  }

  /** A connected socket keeps the address that the name had, and our own: the next one looks both up. */
  private forget(server: number): void {
    for (const [key, socket] of this.sockets) {
      if (!key.startsWith(`${server}/`)) continue;
      this.sockets.delete(key);
      socket.close();
    }
  }

  private arm(): void {
    const when = this.group.nextTimeout();
    if (when === this.timer?.when) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (when === undefined || this.closed) return;
    const { clock } = this.deps;
    const cancel = clock.schedule(when, () => {
      this.timer = undefined;
      this.apply(this.group.handleTimeout(clock.now()));
    });
    this.timer = { when, cancel };
  }
}

const HINTS: Readonly<Record<string, string>> = {
  'bad-authenticator': 'it was not made with our shared secret; compare the secrets on both sides',
  'bad-message-authenticator': 'its Message-Authenticator is wrong; compare the secrets on both sides',
  'no-message-authenticator':
    'it has no Message-Authenticator; update the server, or set PPTP_RADIUS_REQUIRE_MESSAGE_AUTHENTICATOR=false and ' +
    'protect the network between the two',
};
