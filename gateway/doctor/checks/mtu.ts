import type { GatewayConfig } from '../../../config/types.ts';
import { type Finding, reporter } from '../finding.ts';

export interface MtuFacts {
  readonly outer: string | undefined;
  /** MTU of the outer interface, octets. */
  readonly outerMtu: number | undefined;
}

const { ok, warn } = reporter('mtu');
/** IPv4 20, GRE with sequence and acknowledgment 16, FF 03 and protocol 4. */
const AROUND = 40;

/** Whether the largest packets of a tunnel fit the way out. */
export const checkMtu = ({ outer, outerMtu }: MtuFacts, { ppp }: Pick<GatewayConfig, 'ppp'>): readonly Finding[] => {
  if (outerMtu === undefined) {
    const advice = 'Give the host a default route, or set PPTP_LISTEN to the address that clients call.';
    return [warn('The outer interface is not known, and so neither is its MTU.', advice)];
  }
  const needs = ppp.mru + AROUND;
  if (needs > outerMtu) {
    return [
      warn(
        `Packets of ppp.mru ${ppp.mru} are ${needs} octets outside, but ${outer ?? 'the outer interface'} carries ${outerMtu}: they are dropped.`,
        `Set PPTP_MRU to ${outerMtu - AROUND} or less (or to auto).`,
      ),
    ];
  }
  return [
    ok(`${outer ?? 'The outer interface'} carries ${outerMtu} octets; the largest packets of tunnels need ${needs}.`),
  ];
};
