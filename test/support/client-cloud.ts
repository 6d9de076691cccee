import { concatBytes, readU16, writeU16 } from '../../core/bytes/bytes.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { PppLink } from '../../core/machine/ppp-link.ts';
import type { LinkEffect, LinkOptions } from '../../core/machine/ppp-link-types.ts';
import type { CallEndpoint } from '../../core/ports/ids.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';
import type { Instant } from '../../core/time.ts';
import { emptyGreHeader, greLength, parseGre, writeGre } from '../../core/wire/gre.ts';

const FRAME_START = 0xff03;

interface Client {
  readonly call: CallEndpoint;
  readonly link: PppLink;
  sequence: number;
  up: boolean;
}

/**
 * Very many PPTP clients behind one address, each no more than its PPP link and a sequence number: they set tunnels up
 * and end them, and send no user data. They trust the path, so their timers never run.
 */
export class ClientCloud {
  private readonly clients = new Map<number, Client>();
  private readonly header = emptyGreHeader();
  private readonly gre: GreSocket;
  private readonly now: () => Instant;
  private readonly options: LinkOptions;

  constructor(gre: GreSocket, now: () => Instant, options: LinkOptions) {
    this.gre = gre;
    this.now = now;
    this.options = options;
    gre.batches$.subscribe((batch) => this.receive(batch));
  }

  /** Clients whose tunnel is up. */
  get up(): number {
    return [...this.clients.values()].filter((client) => client.up).length;
  }

  /** `call` as the gateway sees it. */
  join(call: CallEndpoint): void {
    const client = { call, link: new PppLink(this.options), sequence: 0, up: false };
    this.clients.set(call.peerCallId, client);
    this.perform(client, client.link.handle({ kind: 'open' }, this.now()));
  }

  /** The client ends its PPP link. */
  leave(peerCallId: number): void {
    const client = this.clients.get(peerCallId);
    if (client === undefined) return;
    const close = { kind: 'close', reason: 'administrative', detail: 'enough' } as const;
    this.perform(client, client.link.handle(close, this.now()));
  }

  /** All power is cut. */
  clear(): void {
    this.clients.clear();
  }

  private receive(batch: PacketBatch): void {
    for (let at = 0; at < batch.count; at += 1) {
      const packet = batch.view(batch.order[at] ?? 0);
      if (parseGre(packet, 0, packet.length, this.header) !== undefined || this.header.sequence < 0) continue;
      const client = this.clients.get(this.header.callId);
      const start = this.header.headerLength;
      if (client !== undefined) this.frame(client, packet.subarray(start, start + this.header.payloadLength));
    }
  }

  private frame(client: Client, frame: Uint8Array): void {
    const at = readU16(frame, 0) === FRAME_START ? 2 : 0;
    const short = ((frame[at] ?? 0) & 1) === 1;
    const protocol = short ? (frame[at] ?? 0) : readU16(frame, at);
    const bytes = frame.subarray(at + (short ? 1 : 2));
    this.perform(client, client.link.handle({ kind: 'frame', protocol, bytes }, this.now()));
  }

  private perform(client: Client, effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.send(client, effect.protocol, effect.bytes);
      else if (effect.kind === 'network') client.up = effect.network !== undefined;
    }
  }

  private send(client: Client, protocol: number, bytes: Uint8Array): void {
    const head = new Uint8Array(greLength(client.sequence, -1) + 4);
    writeGre(head, 0, client.call.localCallId, bytes.length + 4, client.sequence, -1);
    writeU16(head, head.length - 4, FRAME_START);
    writeU16(head, head.length - 2, protocol);
    client.sequence += 1;
    const batch = new PacketBatch(1);
    batch.outerEndpoints(batch.append(concatBytes(head, bytes)), client.call.peer, client.call.local);
    if (this.gre.write(batch) !== 1) throw new Error('the path lost a packet of a client');
  }
}
