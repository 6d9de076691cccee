import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { concatBytes, readU16, writeU16 } from '../../../core/bytes/bytes.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { PppLink } from '../../../core/machine/ppp-link.ts';
import type { LinkEffect, LinkOptions } from '../../../core/machine/ppp-link-types.ts';
import { PptpControl } from '../../../core/machine/pptp-control.ts';
import type { ControlEffect } from '../../../core/machine/pptp-control-types.ts';
import { type CallIds, callId } from '../../../core/ports/ids.ts';
import { emptyGreHeader, greLength, parseGre, writeGre } from '../../../core/wire/gre.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { systemClock, systemRandom } from '../../../gateway/system-clock.ts';
import { address } from '../../support/batches.ts';
import type { GreStream } from './gre-stream.ts';

/** 127.1.0.1 and on: every address of this network is the host's own. */
const FIRST_CLIENT = address('127.1.0.1');
const SERVER = address('127.0.0.1');
const FRAME_START = 0xff03;
/** Client timers are looked at so often, in ms: Echo-Requests and repetitions are seconds apart. */
const TICK_MS = 250;

class Client {
  readonly outer: Ipv4;
  readonly began = performance.now();
  control: PptpControl | undefined;
  socket: Socket | undefined;
  link: PppLink | undefined;
  /** The gateway's Call ID; the client's own is its number. */
  peerCallId = 0;
  sequence = 0;
  /** Highest number of the gateway, and what of it was acknowledged; -1: none. */
  received = -1;
  acknowledged = -1;
  /** ms from the connection's beginning to IPCP open; undefined before. */
  took: number | undefined;
  ended = false;
  /** Frames that were quicker than the reply to the call: a client's kernel keeps them, too. */
  early: Uint8Array[] = [];
  readonly number: number;

  constructor(number: number) {
    this.number = number;
    this.outer = ipv4(FIRST_CLIENT + number - 1);
  }

  callIds(): CallIds {
    return { allocate: () => callId(this.number), release: () => undefined };
  }
}

/** Frames that are kept for a client whose call is not open yet. */
const MOST_EARLY = 4;
const ECHO_REQUEST = 9;
const ECHO_REPLY = 10;
/** The link's own echoes begin elsewhere. */
const ECHO_IDENTIFIER = 211;

/** Very many PPTP clients, each our own control and PPP machine and a TCP connection from an address of its own. */
export class ScaleClients {
  private readonly clients: Client[] = [];
  private readonly header = emptyGreHeader();
  private readonly batch = new PacketBatch(1);
  private readonly gre: GreStream;
  private readonly port: number;
  private readonly options: LinkOptions;
  private readonly ticker: NodeJS.Timeout;
  private cursor = 0;
  /** Tunnels that came up, and clients whose call is over or failed. */
  up = 0;
  ended = 0;
  /** When the echo of a client was sent that is not answered yet, by the client's number. */
  private readonly echoes = new Map<number, number>();
  private readonly roundTrips: number[] = [];

  constructor(gre: GreStream, port: number, options: LinkOptions) {
    this.gre = gre;
    this.port = port;
    this.options = options;
    gre.batches$.subscribe((batch) => this.receive(batch));
    this.ticker = setInterval(() => this.tick(), TICK_MS);
  }

  /** How long those took whose tunnel is up, in ms. */
  times(): readonly number[] {
    return this.clients.flatMap(({ took, ended }) => (took === undefined || ended ? [] : [took]));
  }

  get count(): number {
    return this.clients.length;
  }

  /** One more client calls; resolves with the TCP connection. */
  async call(): Promise<void> {
    const client = new Client(this.clients.length + 1);
    this.clients.push(client);
    const socket = connect({ host: formatIpv4(SERVER), port: this.port, localAddress: formatIpv4(client.outer) });
    client.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => this.end(client));
    socket.on('close', () => this.end(client));
    socket.on('data', (bytes) =>
      this.control(client, client.control?.handle({ kind: 'bytes', bytes }, systemClock.now())),
    );
    await once(socket, 'connect').catch(() => undefined);
    const control = new PptpControl({ callIds: client.callIds(), random: systemRandom }, { role: 'pns' });
    client.control = control;
    this.control(client, control.handle({ kind: 'open' }, systemClock.now()));
  }

  /** One LCP echo through the tunnel of the client with this number, unless its last one is still on its way. */
  echo(number: number): void {
    const client = this.clients[number - 1];
    if (client === undefined || this.echoes.has(number)) return;
    this.echoes.set(number, performance.now());
    this.send(client, PPP.lcp, Uint8Array.of(ECHO_REQUEST, ECHO_IDENTIFIER, 0, 8, 0, 0, 0, 0));
  }

  /** Round trips of echoes in ms, and how long those have been on their way that are not answered; both are forgotten. */
  takeRoundTrips(): readonly number[] {
    const open = [...this.echoes.values()].map((sent) => performance.now() - sent);
    this.echoes.clear();
    return [...this.roundTrips.splice(0), ...open];
  }

  stop(): void {
    clearInterval(this.ticker);
    for (const { socket } of this.clients) socket?.destroy();
  }

  private end(client: Client): void {
    if (client.ended) return;
    this.ended += 1;
    client.ended = true;
  }

  /** A slice of the clients each time, and each of them about every two seconds. */
  private tick(): void {
    const now = systemClock.now();
    const slice = Math.ceil(this.clients.length / 8);
    for (let i = 0; i < slice; i += 1) {
      this.cursor = (this.cursor + 1) % this.clients.length;
      const client = this.clients[this.cursor];
      if (client === undefined || client.ended) continue;
      this.control(client, client.control?.handleTimeout(now));
      this.perform(client, client.link?.handleTimeout(now));
    }
  }

  private control(client: Client, effects: readonly ControlEffect[] | undefined): void {
    for (const effect of effects ?? []) {
      if (effect.kind === 'send') client.socket?.write(effect.bytes);
      else if (effect.kind === 'close') client.socket?.end();
      else if (effect.kind === 'established') {
        this.control(client, client.control?.handle({ kind: 'place-call', tag: 1 }, systemClock.now()));
      } else if (effect.kind === 'call-opened') {
        client.peerCallId = effect.peerCallId;
        client.link = new PppLink(this.options);
        this.perform(client, client.link.handle({ kind: 'open' }, systemClock.now()));
        for (const frame of client.early.splice(0)) this.frame(client, frame);
      } else if (effect.kind === 'call-closed' || effect.kind === 'call-failed') this.end(client);
    }
  }

  private receive(batch: PacketBatch): void {
    for (let at = 0; at < batch.count; at += 1) {
      const packet = batch.view(batch.order[at] ?? 0);
      if (parseGre(packet, 0, packet.length, this.header) !== undefined || this.header.sequence < 0) continue;
      const client = this.clients[this.header.callId - 1];
      const start = this.header.headerLength;
      if (client === undefined) continue;
      client.received = this.header.sequence;
      const frame = packet.subarray(start, start + this.header.payloadLength);
      if (client.link !== undefined) this.frame(client, frame);
      else if (client.early.length < MOST_EARLY) client.early.push(frame.slice());
    }
  }

  private frame(client: Client, frame: Uint8Array): void {
    const at = readU16(frame, 0) === FRAME_START ? 2 : 0;
    const short = ((frame[at] ?? 0) & 1) === 1;
    const protocol = short ? (frame[at] ?? 0) : readU16(frame, at);
    const bytes = frame.subarray(at + (short ? 1 : 2));
    const sent = this.echoes.get(client.number);
    if (sent !== undefined && protocol === PPP.lcp && bytes[0] === ECHO_REPLY && bytes[1] === ECHO_IDENTIFIER) {
      this.echoes.delete(client.number);
      this.roundTrips.push(performance.now() - sent);
    }
    this.perform(client, client.link?.handle({ kind: 'frame', protocol, bytes }, systemClock.now()));
  }

  private perform(client: Client, effects: readonly LinkEffect[] | undefined): void {
    for (const effect of effects ?? []) {
      if (effect.kind === 'send') this.send(client, effect.protocol, effect.bytes);
      else if (effect.kind === 'network' && effect.network !== undefined) {
        if (client.took !== undefined) continue;
        client.took = performance.now() - client.began;
        this.up += 1;
      } else if (effect.kind === 'closed') this.end(client);
    }
  }

  private send(client: Client, protocol: number, bytes: Uint8Array): void {
    const acknowledgment = client.received === client.acknowledged ? -1 : client.received;
    client.acknowledged = client.received;
    const head = new Uint8Array(greLength(client.sequence, acknowledgment) + 4);
    writeGre(head, 0, client.peerCallId, bytes.length + 4, client.sequence, acknowledgment);
    writeU16(head, head.length - 4, FRAME_START);
    writeU16(head, head.length - 2, protocol);
    client.sequence += 1;
    this.batch.clear();
    this.batch.outerEndpoints(this.batch.append(concatBytes(head, bytes)), client.outer, SERVER);
    this.gre.write(this.batch);
  }
}
