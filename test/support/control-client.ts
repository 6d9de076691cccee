import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ControlStream } from '../../core/wire/control-stream.ts';
import { type PptpMessage, writePptpMessage } from '../../core/wire/pptp-message.ts';

/** A TCP connection to a PPTP server whose messages a test reads one by one. */
export class ControlClient {
  readonly socket: Socket;
  /** Resolves when the connection is gone, however that came. */
  readonly closed: Promise<void>;
  private readonly stream = new ControlStream();
  private readonly inbox: PptpMessage[] = [];
  private readonly readers: ((message: PptpMessage | undefined) => void)[] = [];
  private gone = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      this.stream.receive(bytes, (message) => {
        const reader = this.readers.shift();
        if (reader === undefined) this.inbox.push(message);
        else reader(message);
        return true;
      });
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.gone = true;
        for (const reader of this.readers.splice(0)) reader(undefined);
        resolve();
      });
    });
  }

  /** `halfOpen`: does not close its side when the server closes the other. */
  static async to(port: number, host = '127.0.0.1', halfOpen = false, from?: string): Promise<ControlClient> {
    const socket = connect({ port, host, allowHalfOpen: halfOpen, ...(from && { localAddress: from }) });
    const client = new ControlClient(socket);
    await once(socket, 'connect');
    return client;
  }

  send(...messages: readonly PptpMessage[]): void {
    for (const message of messages) this.socket.write(writePptpMessage(message));
  }

  /** The next message; undefined when the connection ended first. */
  next(): Promise<PptpMessage | undefined> {
    const waiting = this.inbox.shift();
    if (waiting !== undefined || this.gone) return Promise.resolve(waiting);
    return new Promise((resolve) => this.readers.push(resolve));
  }

  async expect<K extends PptpMessage['kind']>(kind: K): Promise<Extract<PptpMessage, { kind: K }>> {
    const message = await this.next();
    const is = (m: PptpMessage | undefined): m is Extract<PptpMessage, { kind: K }> => m?.kind === kind;
    if (!is(message)) throw new Error(`expected ${kind}, got ${message?.kind ?? 'the end of the connection'}`);
    return message;
  }
}
