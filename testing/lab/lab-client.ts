import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ipv4Destination, ipv4Source } from '../../core/wire/ipv4.ts';
import { explainEnd } from '../../gateway/dial/call-outcome.ts';
import { ECHO, echoPacket, isEcho } from '../support/packets.ts';
import { INTRANET_HOST, type TestClient } from '../test-client.ts';
import { controlLines, pppLines } from '../transcript.ts';
import type { FakeClock } from './fake-clock.ts';
import { type GatewayLab, type LabPeer, SERVER } from './gateway-lab.ts';

/** What a client needs of the gateway's side for a ping. */
interface EchoHost {
  readonly clock: FakeClock;
  nextEcho(): number;
  answers(sequence: number): Promise<boolean>;
}

/** For a packet and its answer; in ms of virtual time. */
export const ROUND_TRIP_MS = 100;
const FAREWELL_MS = 10_000;

export class LabClient implements TestClient {
  private readonly gateway: EchoHost;
  private readonly peer: LabPeer;
  private readonly seen: () => GatewayLab['wire']['seen'];
  private readonly arrived: Uint8Array[] = [];

  /** Made by `TestGateway`. */
  constructor(gateway: EchoHost, peer: LabPeer, seen: () => GatewayLab['wire']['seen']) {
    this.gateway = gateway;
    this.peer = peer;
    this.seen = seen;
  }

  get address(): Ipv4 | undefined {
    return this.peer.peer.network?.address;
  }

  get dns(): readonly Ipv4[] {
    return this.peer.peer.network?.dns ?? [];
  }

  get encryption(): string {
    const parameters = this.peer.peer.encryption;
    if (parameters?.strength === undefined) return 'none';
    return `MPPE ${parameters.strength} ${parameters.stateless ? 'stateless' : 'stateful'}`;
  }

  get isSettled(): boolean {
    return this.address !== undefined || this.isOver;
  }

  get failure(): string | undefined {
    if (this.address !== undefined) return undefined;
    if (!this.isOver) return 'the set-up is still running';
    const { peer, events } = this.peer;
    const wasUp = events.some(({ kind }) => kind === 'up');
    const server = formatIpv4(SERVER);
    return explainEnd({ events, failing: peer.failing, heard: peer.heard, wasUp, server }).message;
  }

  get lines(): readonly string[] {
    const { pipe, outer } = this.peer;
    return [
      ...controlLines('client', pipe.writtenBy('left')),
      ...controlLines('server', pipe.writtenBy('right')),
      ...pppLines(this.seen(), outer, SERVER),
    ];
  }

  async send(packet: Uint8Array): Promise<void> {
    this.peer.tun.hostSends(packet);
    await this.gateway.clock.advance(ROUND_TRIP_MS);
  }

  receives(): readonly Uint8Array[] {
    const { tun } = this.peer;
    for (let packet = tun.hostReceives(); packet !== undefined; packet = tun.hostReceives()) this.arrived.push(packet);
    return this.arrived.splice(0);
  }

  async ping(host: Ipv4 = INTRANET_HOST): Promise<boolean> {
    const { address } = this;
    if (address === undefined) return false;
    const sequence = this.gateway.nextEcho();
    await this.send(echoPacket('request', { source: address, destination: host }, sequence));
    return (await this.gateway.answers(sequence)) && this.takesEcho(ECHO.reply, sequence) !== undefined;
  }

  /** Answers the Echo Request with this number; false when none has arrived. */
  answers(sequence: number): boolean {
    const request = this.takesEcho(ECHO.request, sequence);
    if (request === undefined) return false;
    const ends = { source: ipv4Destination(request, 0), destination: ipv4Source(request, 0) };
    return this.peer.tun.hostSends(echoPacket('reply', ends, sequence));
  }

  async hangUp(): Promise<void> {
    const stopping = this.peer.peer.stop();
    await this.gateway.clock.advance(FAREWELL_MS);
    await stopping;
  }

  private get isOver(): boolean {
    return this.peer.events.some(({ kind }) => kind === 'call-closed' || kind === 'call-failed' || kind === 'ended');
  }

  private takesEcho(type: number, sequence: number): Uint8Array | undefined {
    const packets = this.receives();
    const at = packets.findIndex((packet) => isEcho(packet, type, sequence));
    this.arrived.push(...packets.filter((_, n) => n !== at));
    return packets[at];
  }
}
