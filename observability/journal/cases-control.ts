import type { Case } from './explain.ts';
import type { Facts } from './facts.ts';

const where = (facts: Facts): string => `On the control connection (TCP 1723) from ${facts.record.peer ?? 'a peer'}.`;

const callLimit: Case = (facts) => {
  if (facts.record.kind !== 'control' || facts.error !== 'call-refused') return undefined;
  return {
    case: 'call-limit',
    severity: 'failure',
    what: `The call was refused: ${facts.detail}. The gateway takes ${facts.settings.maxCalls} calls at once, and a limited number from one address.`,
    where: where(facts),
    todo: [
      'Look who is connected: `pptp-gateway tunnels`.',
      'Raise PPTP_MAX_CALLS (and enlarge PPTP_POOL with it), or PPTP_MAX_CONNECTIONS_PER_ADDRESS for many clients behind one NAT.',
      'If the gateway is being stopped or drained, no new call is taken: that is meant.',
    ],
    code: 'Outgoing-Call-Reply: general error (2), no resource (4)',
  };
};

const connectionLimit: Case = (facts) => {
  if (facts.record.kind !== 'control' || facts.error !== 'connection-refused') return undefined;
  return {
    case: 'call-limit',
    severity: 'failure',
    what: `A TCP connection was closed on arrival: ${facts.detail}.`,
    where: where(facts),
    todo: [
      'If many clients are behind this address (NAT), raise PPTP_MAX_CONNECTIONS_PER_ADDRESS; for all addresses together, PPTP_MAX_CONNECTIONS.',
      'If it is not allowed to connect: PPTP_ALLOW_FROM, PPTP_DENY_FROM and PPTP_ACCESS_FILE say who is.',
      'Otherwise somebody opens connections without end: let the firewall turn that address away.',
      'The log says it as control.connection-refused, not for each connection.',
    ],
    code: 'connection-refused',
  };
};

const NO_CALL: Readonly<Record<string, { readonly what: string; readonly todo: readonly string[] }>> = {
  'bad-message': {
    what: 'What came is no PPTP',
    todo: [
      'Most often this is a port scanner or a browser, and nothing is to be done.',
      'If it was a PPTP client, something on the way changes the connection: switch off PPTP helpers (ALG) of routers.',
    ],
  },
  'start-timeout': {
    what: 'A TCP connection was opened, and no PPTP control connection was set up on it in time',
    todo: [
      'A health check of a load balancer, or a port scanner: nothing is to be done.',
      'If it was a client: does it speak PPTP, and does a firewall let the data of TCP port 1723 pass, not only its opening?',
    ],
  },
  'start-unanswered': {
    what: 'A control connection was asked for, and ended before the request had a reply',
    todo: [
      'If both sites dial each other, one of the two connections gives way: nothing is to be done while the other one is up.',
      'Otherwise the one that asked gave up at once: look at its log.',
    ],
  },
  'no-call-in-time': {
    what: 'A control connection was set up, and nobody logged in on it',
    todo: [
      'A probe, or somebody who holds connections open: nothing is to be done.',
      'If it is a PAC that waits for its lines, set PPTP_ACCEPT_INCOMING_CALLS=true, or PPTP_CONTROL_IDLE_TIMEOUT=0.',
    ],
  },
  'made-room': {
    what: 'A connection on which nobody had logged in was ended for another one',
    todo: [
      'Look for pptp_control_refused_total: with many of them somebody opens connections without end, see docs/edge-security.md.',
      'If it was a client, it was slow while the gateway was full: raise PPTP_MAX_CONNECTIONS and PPTP_MAX_UNAUTHENTICATED.',
    ],
  },
  'no-call-request': {
    what: 'The client set up the control connection and left without asking for a call',
    todo: ['A probe, or a client whose user gave up. If it comes again and again, look at the log of the client.'],
  },
};

const noCall: Case = (facts) => {
  if (facts.record.kind !== 'control') return undefined;
  const known = NO_CALL[facts.error];
  return {
    case: 'no-call',
    severity: 'failure',
    what: `${known?.what ?? 'The control connection ended without a call'}: ${facts.detail}.`,
    where: where(facts),
    todo: known?.todo ?? ['Look at the log of the client.'],
    code: facts.error,
  };
};

const gatewayFault: Case = (facts) => {
  if (facts.note('session.fault') === undefined) return undefined;
  return {
    case: 'gateway-fault',
    severity: 'failure',
    what: 'A bug of the gateway ended this tunnel; no other tunnel is touched.',
    where: 'Inside the gateway: the line session.fault of its log has the stack.',
    todo: ['Report the line with its stack, and the version (`pptp-gateway version`).'],
    code: 'session.fault',
  };
};

/** Before there is a call, and what no peer can help. */
export const CONTROL_CASES: readonly Case[] = [gatewayFault, callLimit, connectionLimit, noCall];
