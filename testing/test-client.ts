import { type Ipv4, ipv4 } from '../core/bytes/ipv4-address.ts';

/** A host behind the gateway: 10.0.0.80. */
export const INTRANET_HOST: Ipv4 = ipv4(0x0a00_0050);

/** A PPTP client of a `TestGateway`. */
export interface TestClient {
  /** The inner address that the gateway gave; undefined while there is no tunnel. */
  readonly address: Ipv4 | undefined;
  readonly dns: readonly Ipv4[];
  /** "MPPE 128 stateless", or "none". */
  readonly encryption: string;
  /** Why the call is over or did not come about, in a sentence; undefined while it is up. */
  readonly failure: string | undefined;
  /** The frames of this tunnel, and the messages of its control connection, as lines to read and compare. */
  readonly lines: readonly string[];
  /** Sends an IP packet into the tunnel, and it has its time to pass. */
  send(packet: Uint8Array): Promise<void>;
  /** IP packets that came out of the tunnel and were not taken yet, oldest first. */
  receives(): readonly Uint8Array[];
  /** Pings a host behind the gateway; false when no answer comes back. Other packets stay to be taken. */
  ping(host?: Ipv4): Promise<boolean>;
  /** Ends the tunnel in order. */
  hangUp(): Promise<void>;
}
