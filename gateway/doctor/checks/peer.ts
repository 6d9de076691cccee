import { describeResult, OUTGOING_RESULT, START_RESULT } from '../../../core/wire/pptp-message-codes.ts';
import { type Finding, reporter } from '../finding.ts';

/** What an ICMP destination-unreachable about our GRE said. */
export interface IcmpRefusal {
  /** Dotted address of the host that says so. */
  readonly from: string;
  readonly code: number;
}

/** How far a call to a PPTP server got. */
export type PeerFacts =
  /** No TCP connection; the sentence is complete. */
  | { readonly kind: 'unconnected'; readonly message: string }
  /** TCP, and then nothing that is PPTP. */
  | { readonly kind: 'no-pptp'; readonly detail: string }
  | { readonly kind: 'start-refused'; readonly result: number; readonly error: number }
  | {
      readonly kind: 'call-refused';
      readonly hostName: string;
      readonly result: number;
      readonly error: number;
    }
  /** The call is up; what became of GRE. */
  | {
      readonly kind: 'called';
      readonly hostName: string;
      /** Milliseconds from our first GRE packet to the first of theirs. */
      readonly heardAfter: number | undefined;
      /** One of theirs acknowledged one of ours. */
      readonly acknowledged: boolean;
      readonly sendRefused: boolean;
      readonly icmp: IcmpRefusal | undefined;
    }
  /** No raw socket here, so no call was made. */
  | { readonly kind: 'no-socket'; readonly message: string };

const { ok, warn, fail } = reporter('peer');

/** RFC 792 and RFC 1812 section 5.2.7.1. */
const CODES: Readonly<Record<number, string>> = {
  0: 'network unreachable',
  1: 'host unreachable',
  2: 'protocol unreachable',
  3: 'port unreachable',
  9: 'network prohibited',
  10: 'host prohibited',
  13: 'prohibited by a filter',
};
const PROTOCOL_UNREACHABLE = 2;

/** A server on the other side: control connection, call, and GRE both ways. */
export const checkPeer = (peer: string, facts: PeerFacts): readonly Finding[] => {
  switch (facts.kind) {
    case 'unconnected':
      return [fail(`The control connection to ${peer} failed.`, facts.message)];
    case 'no-socket':
      return [fail(`GRE to ${peer} could not be tried.`, facts.message)];
    case 'no-pptp':
      return [
        fail(
          `${peer} takes TCP connections but does not speak PPTP: ${facts.detail}.`,
          'Check the address and the port; a middlebox or another service may answer instead of the server.',
        ),
      ];
    case 'start-refused':
      return [
        fail(
          `${peer} refuses the control connection: ${describeResult('start', facts.result, facts.error)}.`,
          facts.result === START_RESULT.notAuthorized
            ? 'Ask its operator to let this address in.'
            : 'See the log of that server.',
        ),
      ];
    case 'call-refused':
      return [
        ok(`${peer} speaks PPTP (host name "${facts.hostName}").`),
        warn(
          `${peer} refuses the call, so GRE could not be tried: ${describeResult('outgoing', facts.result, facts.error)}.`,
          facts.result === OUTGOING_RESULT.busy ? 'Try again later.' : 'See the log of that server.',
        ),
      ];
    case 'called':
      return [ok(`${peer} speaks PPTP (host name "${facts.hostName}") and takes calls.`), checkGre(peer, facts)];
  }
};

const checkGre = (peer: string, facts: Extract<PeerFacts, { kind: 'called' }>): Finding => {
  const { heardAfter, acknowledged, icmp, sendRefused } = facts;
  if (heardAfter !== undefined && acknowledged)
    return ok(`GRE passes both ways between here and ${peer} (${heardAfter} ms).`);
  if (sendRefused)
    return fail(
      `This host refuses to send GRE to ${peer}.`,
      'See the firewall findings: the output rules of this host drop IP protocol 47.',
    );
  if (icmp?.code === PROTOCOL_UNREACHABLE)
    return fail(
      `${icmp.from} answers GRE with "protocol unreachable": nothing there takes IP protocol 47.`,
      'The PPTP server there is not running, or the address belongs to a router that does not pass GRE on to it (PPTP pass-through).',
    );
  if (icmp !== undefined)
    return fail(
      `${icmp.from} refuses GRE to ${peer}: ${CODES[icmp.code] ?? `unreachable, code ${icmp.code}`}.`,
      `Let IP protocol 47 pass on ${icmp.from}.`,
    );
  if (heardAfter !== undefined)
    return fail(
      `GRE of ${peer} arrives here, but ours does not arrive there: it acknowledges nothing.`,
      'Let IP protocol 47 through in the direction of the server, on every firewall between and on the server itself.',
    );
  return fail(
    `The call to ${peer} is up, but no GRE comes back: IP protocol 47 is filtered on the way, or the server is silent.`,
    'Let IP protocol 47 through in both directions on every firewall between; a NAT router needs its PPTP helper (pass-through).',
  );
};
