import { createSocket, type Socket } from 'node:dgram';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../../core/errors.ts';
import type { Lifecycle } from '../../../core/ports/lifecycle.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { CoaService } from './coa-service.ts';

export interface CoaListenOptions {
  readonly address: Ipv4;
  /** 3799 is what clients expect; 0: any, see `port`. */
  readonly port: number;
}

const codeOf = (cause: unknown): unknown => (cause instanceof Error ? Reflect.get(cause, 'code') : undefined);

/** The UDP socket of RFC 5176. One that fails while it runs is opened again by nobody: that is logged as an error. */
export class CoaServer implements Lifecycle {
  readonly name = 'radius-coa';
  private readonly options: CoaListenOptions;
  private readonly service: CoaService;
  private readonly log: Log;
  private socket: Socket | undefined;

  constructor(options: CoaListenOptions, service: CoaService, log: Log) {
    this.options = options;
    this.service = service;
    this.log = log;
  }

  /** Where it listens; undefined before it does. */
  get port(): number | undefined {
    return this.socket?.address().port;
  }

  async start(): Promise<void> {
    const { address, port } = this.options;
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (cause) => reject(listenError(cause, address, port)));
      socket.bind({ address: formatIpv4(address), port, exclusive: true }, resolve);
    });
    socket.removeAllListeners('error');
    socket.on('error', (cause) =>
      this.log.error('radius.coa-socket', `The socket for CoA and Disconnect-Request failed: ${cause.message}`),
    );
    socket.on('message', (bytes, { address: from, port: sender }) => {
      const source = parseIpv4(from);
      // Nobody can be answered at port 0, and only who forges comes from there.
      if (source !== undefined && sender > 0) void this.answer(socket, new Uint8Array(bytes), source, sender);
    });
    this.socket = socket;
  }

  async stop(): Promise<void> {
    const { socket } = this;
    this.socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(resolve));
  }

  private async answer(socket: Socket, bytes: Uint8Array, source: Ipv4, port: number): Promise<void> {
    const answer = await this.service.handle(bytes, source, port);
    // A client that does not get it asks again, and then has it from those that are remembered.
    if (answer !== undefined && this.socket === socket) socket.send(answer, port, formatIpv4(source), () => undefined);
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
