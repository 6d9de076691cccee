import { holdsIpv4, type IpNetwork } from '../../core/bytes/ip-network.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ReplayWindow } from '../../core/datapath/ipsec-replay.ts';
import type {
  SaEvent,
  SaLimits,
  SaOwner,
  SaStatus,
  SecurityAssociation,
} from '../../core/ports/security-associations.ts';
import type { AssociationState } from './table-state.ts';
import type { OwnTransform } from './transforms.ts';

const TWO_32 = 0x1_0000_0000;
const LAST = TWO_32 - 1;
/** Numbers are exact up to here; 2^64 would be the end otherwise, and no association lives that long. */
const LAST_EXTENDED = Number.MAX_SAFE_INTEGER;
const USUAL_WINDOW = 64;

type SaLimitsState = NonNullable<AssociationState['lifetime']>['soft'];

const reached = (limits: SaLimits | undefined, octets: number, packets: number): boolean =>
  limits !== undefined &&
  (octets >= (limits.octets ?? Number.POSITIVE_INFINITY) || packets >= (limits.packets ?? Number.POSITIVE_INFINITY));

/** One association at work: its numbers and what they have come to. Its key is in the transform and nowhere else. */
export class Association {
  readonly name: string;
  readonly direction: 'in' | 'out';
  readonly spi: number;
  readonly owner: SaOwner;
  readonly isTunnel: boolean;
  readonly host: Ipv4;
  readonly esn: boolean;
  readonly transform: OwnTransform;
  readonly replay: ReplayWindow;
  readonly lifetime: SecurityAssociation['lifetime'];
  expired = false;
  octets = 0;
  packets = 0;
  private sequence: number;
  private softTold = false;
  private readonly networks: readonly IpNetwork[] | undefined;
  private readonly peerNetworks: readonly IpNetwork[] | undefined;
  private readonly tell: (event: SaEvent) => void;

  constructor(from: SecurityAssociation, transform: OwnTransform, tell: (event: SaEvent) => void) {
    this.name = from.name;
    this.direction = from.direction;
    this.spi = from.spi;
    this.owner = from.owner;
    this.isTunnel = from.mode === 'tunnel';
    this.host = from.host;
    this.esn = from.esn;
    this.transform = transform;
    this.replay = new ReplayWindow(from.replayWindow ?? USUAL_WINDOW, from.esn);
    this.lifetime = from.lifetime;
    this.sequence = from.sequence ?? 0;
    this.networks = this.isTunnel ? from.networks : undefined;
    this.peerNetworks = this.isTunnel ? from.peerNetworks : undefined;
    this.tell = tell;
  }

  /** Whether traffic between these addresses is what it protects; `session` is the peer's own address. */
  covers(local: Ipv4, peer: Ipv4, session: Ipv4): boolean {
    const isLocal = this.networks === undefined ? local === this.host : holdsIpv4(this.networks, local);
    return isLocal && (this.peerNetworks === undefined ? peer === session : holdsIpv4(this.peerNetworks, peer));
  }

  /** The number of the next packet out; -1 when there is none left, and the association is over then. */
  next(): number {
    if (this.sequence >= (this.esn ? LAST_EXTENDED : LAST)) {
      this.end('overflow');
      return -1;
    }
    this.sequence += 1;
    return this.sequence;
  }

  /** The upper half of a number as transforms want it. */
  high(sequence: number): number {
    return this.esn ? Math.floor(sequence / TWO_32) : -1;
  }

  /** A packet went through it. */
  used(octets: number): void {
    this.octets += octets;
    this.packets += 1;
    if (this.lifetime === undefined) return;
    if (reached(this.lifetime.hard, this.octets, this.packets)) this.end('hard');
    else if (reached(this.lifetime.soft, this.octets, this.packets)) this.soft();
  }

  soft(): void {
    if (this.softTold || this.expired) return;
    this.softTold = true;
    this.tell({ kind: 'soft', name: this.name, direction: this.direction, spi: this.spi });
  }

  end(kind: 'hard' | 'overflow'): void {
    if (this.expired) return;
    this.expired = true;
    this.tell({ kind, name: this.name, direction: this.direction, spi: this.spi });
  }

  /** Everything of it but its deadlines, with its keys. */
  snapshot(): Omit<AssociationState, 'softAt' | 'hardAt'> {
    const { name, direction, spi, host, networks, peerNetworks, esn, replay, sequence, octets, packets } = this;
    const { expired, softTold, owner, lifetime } = this;
    const limits = (of: SaLimits | undefined): SaLimitsState =>
      of && { octets: of.octets, packets: of.packets, seconds: of.seconds };
    return {
      ...{ name, direction, spi, host, networks, peerNetworks, esn, sequence, octets, packets, expired, softTold },
      owner: { identity: owner.identity, address: owner.address },
      mode: this.isTunnel ? 'tunnel' : 'transport',
      algorithm: this.transform.algorithm(),
      replayWindow: replay.size,
      replay: replay.snapshot(),
      lifetime: lifetime && { soft: limits(lifetime.soft), hard: limits(lifetime.hard) },
    };
  }

  /** Its numbers, of another process; its sequence it has from the beginning. */
  restore({ replay, octets, packets, expired, softTold }: AssociationState): void {
    this.replay.restore(replay);
    this.octets = octets;
    this.packets = packets;
    this.expired = expired;
    this.softTold = softTold;
  }

  status(): SaStatus {
    return {
      name: this.name,
      direction: this.direction,
      spi: this.spi,
      state: this.expired ? 'expired' : 'usable',
      octets: this.octets,
      packets: this.packets,
      sequence: this.direction === 'in' ? this.replay.top : this.sequence,
    };
  }
}
