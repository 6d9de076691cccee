import { createSocket, type Socket } from 'node:dgram';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { HandOver } from '../../../core/ports/handover.ts';
import type { Lifecycle } from '../../../core/ports/lifecycle.ts';
import type { Log } from '../../../core/ports/log.ts';
import { after } from '../../../core/time.ts';
import type { CoaService } from './coa-service.ts';
import { readCoaState } from './recent-answers.ts';

export interface CoaListenOptions {
  readonly address: Ipv4;
  /** 3799 is what clients expect; 0: any, see `port`. */
  readonly port: number;
}

type Answers = Pick<CoaService, 'handle' | 'snapshot' | 'restore'>;

/** Requests that may wait until a process that takes over serves; their clients ask again. */
const MOST_HELD = 64;
const RETRY_MS = 2_000;

const codeOf = (cause: unknown): unknown => (cause instanceof Error ? Reflect.get(cause, 'code') : undefined);

/** The UDP socket of RFC 5176. One that fails while it runs is opened again by nobody: that is logged as an error. */
export class CoaServer implements Lifecycle {
  readonly name = 'radius-coa';
  readonly handOver: HandOver = {
    // The port is the other process' still.
    startBeside: () => Promise.resolve(),
    rest: () => this.rest(),
    release: async () => {
      await this.stop();
      return this.service.snapshot();
    },
    takeOver: (state) => this.takeOver(state),
    serve: () => this.serve(),
    takeBack: () => this.takeBack(),
  };
  private readonly options: CoaListenOptions;
  private readonly service: Answers;
  private readonly log: Log;
  private readonly clock: Clock;
  private socket: Socket | undefined;
  /** What has come while this process does not serve, or rests before another one does; undefined: it serves. */
  private held: (() => void)[] | undefined;
  private answering = 0;
  private readonly resters = new Set<() => void>();
  private cancelRetry: () => void = () => undefined;

  constructor(options: CoaListenOptions, service: Answers, log: Log, clock: Clock) {
    this.options = options;
    this.service = service;
    this.log = log;
    this.clock = clock;
  }

  /** Where it listens; undefined before it does. */
  get port(): number | undefined {
    return this.socket?.address().port;
  }

  async start(): Promise<void> {
    const { address, port } = this.options;
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (cause) => {
        socket.close();
        reject(listenError(cause, address, port));
      });
      socket.bind({ address: formatIpv4(address), port, exclusive: true }, resolve);
    });
    socket.removeAllListeners('error');
    socket.on('error', (cause) =>
      this.log.error('radius.coa-socket', `The socket for CoA and Disconnect-Request failed: ${cause.message}`),
    );
    socket.on('message', (bytes, { address: from, port: sender }) => {
      const source = parseIpv4(from);
      // Nobody can be answered at port 0, and only who forges comes from there.
      if (source === undefined || sender === 0) return;
      const copy = new Uint8Array(bytes);
      if (this.held === undefined) void this.answer(socket, copy, source, sender);
      else if (this.held.length < MOST_HELD) this.held.push(() => void this.answer(socket, copy, source, sender));
    });
    this.socket = socket;
  }

  async stop(): Promise<void> {
    const { socket } = this;
    this.socket = undefined;
    this.cancelRetry();
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(resolve));
  }

  /**
   * Begins none of the requests that come from now on: what another process is told of sessions already would lack what is
   * done to them here. Resolves at a moment when every other one has its answer.
   */
  private rest(): Promise<void> {
    this.held ??= [];
    return new Promise((resolve) => {
      if (this.answering === 0) resolve();
      else this.resters.add(resolve);
    });
  }

  /** The port was switched on by the new configuration where there is no state. */
  private async takeOver(given: unknown): Promise<void> {
    const state = given === undefined ? undefined : readCoaState(given);
    if (given !== undefined && state === undefined) throw new Error('what it was given cannot be read');
    if (state !== undefined) this.service.restore(state);
    this.held = [];
    await this.start();
  }

  private serve(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const answer of held) answer();
  }

  /** Somebody may have the port for a moment. Resolves after the first attempt. */
  private async takeBack(): Promise<void> {
    if (this.socket !== undefined) {
      this.serve();
      return;
    }
    // They were held for a socket that is closed: their clients ask again.
    this.held = undefined;
    try {
      await this.start();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.log.error('radius.coa-socket', `${why} This is tried again every few seconds.`);
      this.cancelRetry = this.clock.schedule(after(this.clock.now(), RETRY_MS), () => void this.takeBack());
    }
  }

  private async answer(socket: Socket, bytes: Uint8Array, source: Ipv4, port: number): Promise<void> {
    this.answering += 1;
    const answer = await this.service.handle(bytes, source, port);
    // A client that does not get it asks again, and then has it from those that are remembered.
    if (answer !== undefined && this.socket === socket) socket.send(answer, port, formatIpv4(source), () => undefined);
    this.answering -= 1;
    if (this.answering > 0) return;
    for (const resolve of this.resters) resolve();
    this.resters.clear();
  }
}

const listenError = (cause: Error, address: Ipv4, port: number): GatewayError => {
  const where = `${formatIpv4(address)}:${port}`;
  if (codeOf(cause) === 'EADDRINUSE') {
    return new GatewayError(
      'PORT_TAKEN',
      `UDP ${where} for CoA and Disconnect-Request is taken: stop what uses it, or set PPTP_RADIUS_COA_PORT.`,
      { cause },
    );
  }
  return new GatewayError(
    'ADDRESS_UNAVAILABLE',
    `UDP ${where} for CoA and Disconnect-Request cannot be opened (${cause.message}): set PPTP_RADIUS_COA_LISTEN to an address of this machine.`,
    { cause },
  );
};
