import type { Ipv4 } from '../../../core/bytes/ipv4-address.ts';

/** What is known of a condition or a verdict: the rules can look at more than the doctor knows of a packet. */
export type Certainty = 'yes' | 'no' | 'maybe';

/** Part of a packet that the doctor knows; `other` is everything else that a rule may ask for. */
export type Field =
  | 'protocol'
  | 'source-port'
  | 'destination-port'
  | 'state'
  | 'in'
  | 'out'
  | 'source'
  | 'destination-type'
  | 'other';

/** Numbers are inclusive ranges (addresses as numbers too); texts may end in `*`. */
export type Value = { readonly from: number; readonly to: number } | { readonly text: string };

export interface Condition {
  readonly field: Field;
  readonly negated: boolean;
  /** One of them. Ignored for `other`. */
  readonly values: readonly Value[];
}

export type Action =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'none' }
  /** To another address, or to a program: the packet does not reach the gateway. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** A verdict map: the first entry whose conditions hold. */
  | { readonly kind: 'map'; readonly entries: readonly MapEntry[] };

export interface MapEntry {
  readonly conditions: readonly Condition[];
  readonly action: Action;
}

export interface Rule {
  /** For people: "rule 4 (no gre)", as the operator's own tools name it. */
  readonly text: string;
  readonly conditions: readonly Condition[];
  readonly action: Action;
}

export type Hook = 'ingress' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

export interface Chain {
  /** Unique, what `jump` names, and as the tool wants it: "inet filter input", "filter INPUT". */
  readonly id: string;
  readonly tool: 'nft' | 'iptables';
  /** For people: "nftables table inet filter, chain input". */
  readonly text: string;
  /** Undefined: only jumped to. */
  readonly hook: Hook | undefined;
  readonly policy: 'accept' | 'drop';
  readonly rules: readonly Rule[];
}

/** Everything that filters IPv4 here. */
export interface RuleSet {
  readonly chains: readonly Chain[];
  /** A rule hands connections to the conntrack helper `pptp`. */
  readonly assignsPptpHelper: boolean;
  /** Tables ("filter") with rules of iptables that only its own program can show. */
  readonly opaqueTables: readonly string[];
}

/** A packet as far as the doctor knows it; a field that is undefined can be anything. */
export interface Packet {
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly state: 'new' | 'established' | 'related';
  /** Never the loopback device, also where the name is not known. */
  readonly in?: string;
  readonly out?: string;
  /** Kind of the destination address, seen from this host. */
  readonly destinationType?: 'local' | 'unicast';
  /** Addresses it comes from. */
  readonly source?: { readonly from: Ipv4; readonly to: Ipv4 };
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  ospf: 89,
  sctp: 132,
  udplite: 136,
};

/** By number or name; a name that is not here is none of those a gateway meets. */
export const protocolNumber = (name: string): number =>
  /^\d{1,3}$/.test(name) ? Number(name) : (PROTOCOLS[name.toLowerCase()] ?? 255);

export const exactly = (number: number): Value => ({ from: number, to: number });
