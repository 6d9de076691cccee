/// <reference path="../../plugins/io-raw-gre/raw-socket.d.ts" />
import raw from 'raw-socket';

/** IP protocol 253 (experiments, RFC 3692) of the kernel we run on: whole IPv4 packets, both ways. */
export class RawIp {
  private readonly socket = raw.createSocket({ protocol: 253 });
  private readonly arrived: Uint8Array[] = [];
  private waiting: ((packet: Uint8Array) => void) | undefined;

  constructor() {
    this.socket.setOption(0, 3, 1);
    // SO_RCVBUFFORCE: the default holds about a hundred packets.
    this.socket.setOption(1, 33, 4 * 1024 * 1024);
    this.socket.wrap.removeAllListeners('recvReady');
    this.socket.wrap.on('recvReady', () => this.receive());
  }

  send(packet: Uint8Array): void {
    this.socket.wrap.send(packet, 0, packet.length, [...packet.subarray(16, 20)].join('.'), () => undefined);
  }

  /** The next packet that the kernel delivers to the host. */
  async next(): Promise<Uint8Array> {
    return this.arrived.shift() ?? new Promise((resolve) => (this.waiting = resolve));
  }

  close(): void {
    this.socket.close();
  }

  private receive(): void {
    const buffer = Buffer.alloc(2048);
    this.socket.wrap.recv(buffer, (_, octets) => {
      const packet = new Uint8Array(buffer.subarray(0, octets));
      const { waiting } = this;
      this.waiting = undefined;
      if (waiting === undefined) this.arrived.push(packet);
      else waiting(packet);
    });
  }
}
