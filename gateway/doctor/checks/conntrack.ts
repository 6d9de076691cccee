import { type Finding, reporter } from '../finding.ts';

export interface ConntrackFacts {
  /** Connection tracking is on in this network namespace (/proc/sys/net/netfilter/nf_conntrack_max is there). */
  readonly tracks: boolean;
  /** The module nf_conntrack_pptp is loaded or built in. */
  readonly hasHelper: boolean;
  /** net.netfilter.nf_conntrack_helper: helpers without being asked by a rule; undefined since Linux 6.0, which has none. */
  readonly automatic: string | undefined;
  /** A firewall rule assigns the helper. */
  readonly assigned: boolean;
  /** The firewall takes GRE only as part of a known control connection; undefined where its rules cannot be read. */
  readonly needed: boolean | undefined;
}

const { ok, warn, fail } = reporter('conntrack');

/** Packets of a call are `related` to its control connection. */
export const knowsPptp = ({ hasHelper, automatic, assigned }: ConntrackFacts): boolean =>
  hasHelper && (assigned || automatic === '1');

/**
 * The PPTP helper of connection tracking: without it a firewall does not know which GRE belongs to a call.
 * `isFiltered`: a finding about the firewall has said already that GRE does not come in.
 */
export const checkConntrack = (facts: ConntrackFacts, isFiltered = false): readonly Finding[] => {
  const { tracks, hasHelper, needed } = facts;
  if (needed === undefined) return [];
  if (!needed) {
    return [ok(tracks ? 'The firewall needs no help to let GRE in.' : 'There is no connection tracking here.')];
  }
  if (knowsPptp(facts)) return [ok('The firewall lets GRE in by the connection tracking helper pptp.')];
  const why = hasHelper ? 'no rule assigns it to TCP port 1723' : 'the module nf_conntrack_pptp is not loaded';
  if (isFiltered) {
    return [
      warn(
        `That the firewall drops GRE can also be put right here, but connection tracking does not know PPTP: ${why}.`,
        'Accept IP protocol 47 as the firewall check advises (simplest), or load nf_conntrack_pptp and assign the helper pptp to TCP port 1723 in a rule.',
      ),
    ];
  }
  return [
    fail(
      `The firewall lets GRE in only as related to a control connection, but connection tracking does not know PPTP: ${why}.`,
      'Accept IP protocol 47 without conditions (simplest), or load nf_conntrack_pptp and assign the helper pptp to TCP port 1723 in a rule.',
    ),
  ];
};
