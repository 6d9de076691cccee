import { type Finding, reporter } from '../finding.ts';

export type GreSocketFacts =
  /** What opening it threw. */
  | { readonly kind: 'closed'; readonly message: string }
  /** What became of a packet that was sent from `address` to itself. */
  | {
      readonly kind: 'open';
      readonly driver: string;
      readonly address: string;
      readonly own: 'heard' | 'silent' | 'refused';
    };

const { ok, warn, fail } = reporter('gre');

/** A raw socket for GRE, and a packet to ourselves. `isFiltered`: a finding about the firewall has said why already. */
export const checkGreSocket = (facts: GreSocketFacts, isFiltered = false): readonly Finding[] => {
  if (facts.kind === 'closed') return [fail('The raw socket for GRE cannot be opened.', facts.message)];
  const { driver, address, own } = facts;
  if (own === 'heard') {
    return [ok(`The raw GRE socket opens (driver ${driver}), and a GRE packet from ${address} to itself arrives.`)];
  }
  const how = own === 'refused' ? 'The kernel refuses to send GRE' : 'A GRE packet does not arrive';
  if (isFiltered) {
    return [
      warn(
        `${how} from ${address} to itself; the rule that the firewall check names explains it.`,
        'Put the firewall right, then run the doctor again.',
      ),
    ];
  }
  return [
    fail(
      `${how} from ${address} to itself: this host filters IP protocol 47, or its loopback device is down.`,
      'See the firewall findings, and "ip link show lo"; in a container, look at the rules of the host.',
    ),
  ];
};
