import type { Case } from './explain.ts';
import type { Facts } from './facts.ts';

/** Clients that give up sooner may just have been stopped by their user. */
const LEAST_SECONDS = 5;
/** With fewer packets the acknowledgment may still be on its way. */
const ENOUGH_PACKETS = 3;

const nothingCame = (facts: Facts): boolean =>
  facts.record.kind === 'tunnel' &&
  !facts.wasUp &&
  facts.packetsIn === 0 &&
  (facts.note('gre.blocked') !== undefined || facts.error === 'no-gre' || facts.seconds >= LEAST_SECONDS);

const otherAddress: Case = (facts) => {
  if (!nothingCame(facts) || !facts.context.wrongPeer) return undefined;
  return {
    case: 'gre-from-another-address',
    severity: 'failure',
    what: `The control connection comes from ${facts.client}, but GRE of a call arrived from another address and was dropped.`,
    where: `Between ${facts.client} and the gateway: a router with several addresses sends TCP and GRE out by different ones.`,
    todo: [
      'Have the router of the client use one address for TCP port 1723 and IP protocol 47.',
      'If that cannot be done: PPTP_GRE_CHECK_PEER_ADDRESS=false. Then anybody who guesses a Call ID can inject packets.',
    ],
    code: 'wrong-peer',
  };
};

const notArriving: Case = (facts) => {
  if (!nothingCame(facts)) return undefined;
  const shared = facts.besides > 0;
  return {
    case: 'gre-not-arriving',
    severity: 'failure',
    what: `The control connection (TCP 1723) works, but not one GRE packet of ${facts.client} has arrived.`,
    where: `Between ${facts.client} and the gateway: a firewall, a router or the provider drops IP protocol 47 (GRE) on the way in, or no PPTP passthrough is on.`,
    todo: [
      'On this host: `pptp-gateway doctor` looks for rules that drop protocol 47.',
      'At the side of the gateway: let IP protocol 47 pass to it. Forwarding TCP port 1723 alone is not enough, and protocol 47 has no ports.',
      'At the side of the client: switch PPTP passthrough on in the router, or try another network (a telephone as hot spot shows whose fault it is).',
      ...(shared ? ['Another client behind the same address works: see the finding about NAT below.'] : []),
    ],
    code: 'gre.blocked',
  };
};

const notReturning: Case = (facts) => {
  const { numbers } = facts.record;
  if (facts.wasUp || numbers === undefined || facts.phaseDone('lcp') || facts.phaseDone('auth')) return undefined;
  const heard = numbers.packetsIn >= ENOUGH_PACKETS && numbers.packetsOut >= ENOUGH_PACKETS;
  if (!heard || numbers.acknowledged >= 0) return undefined;
  return {
    case: 'gre-not-reaching-the-client',
    severity: 'failure',
    what: `GRE of ${facts.client} arrives (${numbers.packetsIn} packets), but the client has acknowledged none of the ${numbers.packetsOut} that were sent to it.`,
    where: `Between the gateway and ${facts.client}: IP protocol 47 (GRE) is dropped on the way out.`,
    todo: [
      'On this host: `pptp-gateway doctor` looks for rules that drop protocol 47 on output, and for a source address that is not the one that was called.',
      'At the side of the client: the router must let GRE in that belongs to a PPTP connection (PPTP passthrough, or conntrack with its PPTP helper).',
    ],
    code: facts.error === '' ? 'no-answer' : facts.error,
  };
};

/** GRE first: without it nothing else can be said. */
export const GRE_CASES: readonly Case[] = [otherAddress, notArriving, notReturning];

/** Stands beside the explanation: it is a likely cause of it. */
export const sharedNat: Case = (facts) => {
  const { besides } = facts;
  if (besides === 0 || !nothingCame(facts)) return undefined;
  return {
    case: 'clients-behind-one-nat',
    severity: 'warning',
    what: `${besides} other ${besides === 1 ? 'tunnel' : 'tunnels'} came from ${facts.client} at the same time: several clients are behind one NAT.`,
    where: 'In the router of the clients: one that knows nothing of PPTP can send GRE to one client behind it only.',
    todo: [
      'The gateway gives each call a Call ID of its own, so its side is in order.',
      'The router needs PPTP support in its NAT (on Linux: nf_conntrack_pptp and nf_nat_pptp).',
      'Or dial once from the router, and let it route for all behind it: `pptp-gateway dial`.',
    ],
    code: 'gre.blocked',
  };
};
