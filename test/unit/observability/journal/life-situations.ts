import { dropped, endedBy, failedIn, NUMBERS, note, type Situation, UP } from './explain-records.ts';

/** Tunnels that are or were up, and what may end them at any time. */
export const LIFE_SITUATIONS: readonly Situation[] = [
  {
    name: 'quota-used-up',
    because: 'the quota is used up',
    record: endedBy('quota', 'the quota of the session is used up'),
    says: /quota/,
  },
  {
    name: 'gateway-fault',
    because: 'row 11: a bug costs one session and is told of',
    record: { ...failedIn('lcp', 'administrative', 'internal error of the gateway'), notes: [note('session.fault')] },
    says: /bug.*stack/,
  },
  {
    name: 'keys-differ',
    because: 'row 3: MPPE out of step ends the tunnel',
    record: endedBy('negotiation-failed', '100 packets in a row could not be decrypted: the keys differ'),
    says: /MPPE.*Protocol-Reject for unsupported protocol/,
  },
  {
    name: 'keys-differ',
    because: 'row 3: MPPE out of step now and then',
    record: dropped({ 'mppe in decrypt-failed': 12 }),
    says: /12 packets/,
  },
  {
    name: 'echo-loss',
    because: 'row 15: clients that vanish',
    record: endedBy('link-dead', '4 LCP Echo-Requests in a row were not answered'),
    says: /PPTP_LCP_ECHO_INTERVAL/,
  },
  {
    name: 'connection-lost',
    because: 'row 15: the control connection breaks',
    record: endedBy('control-lost', 'TCP error: read ECONNRESET.'),
    says: /ECONNRESET/,
  },
  {
    name: 'spoofed-source',
    because: 'the address check drops',
    record: dropped({ 'address in spoofed-source': 3 }),
    says: /3 packets.*10\.99\.0\.2/,
  },
  {
    name: 'mtu-black-hole',
    because: 'row 5: pages hang',
    record: dropped({ 'mtu out too-big': 7 }),
    says: /7 packets.*hang.*1396.*PPTP_MSS_CLAMP/,
  },
  {
    name: 'mtu-black-hole',
    because: 'row 5: the kernel refuses GRE that the path does not take, and the path also loses packets',
    record: {
      ...UP,
      numbers: {
        ...NUMBERS,
        packetsIn: 950,
        lost: 50,
        drops: { 'gre-socket out too-big': 1, 'address in spoofed-source': 1 },
      },
    },
    says: /1 GRE packets to the client were larger than the path.*203\.0\.113\.9.*Lower PPTP_TUN_MTU and PPTP_MRU/,
  },
  {
    name: 'clear-data-refused',
    because: 'the client sends in the clear',
    record: dropped({ 'mppe in unencrypted': 2 }),
    says: /2 packets.*not encrypted/,
  },
  {
    name: 'window-stall',
    because: 'the peer acknowledges too slowly',
    record: { ...UP, numbers: { ...NUMBERS, windowDropped: 9 } },
    says: /9 packets.*PPTP_GRE_WINDOW/,
  },
  {
    name: 'lossy-path',
    because: 'the path loses packets',
    record: { ...UP, numbers: { ...NUMBERS, packetsIn: 950, lost: 50 } },
    says: /50 packets.*5\.0 %/,
  },
  {
    name: 'time-limit',
    because: 'idle',
    record: endedBy('idle', 'no user data for 60 s'),
    says: /60 s.*PPTP_IDLE_TIMEOUT/,
  },
  {
    name: 'time-limit',
    because: 'session time-out',
    record: endedBy('session-timeout', 'the session has lasted 3600 s'),
    says: /PPTP_SESSION_TIMEOUT/,
  },
  {
    name: 'ended-by-the-gateway',
    because: 'row 15: the newer log-in replaces the older',
    record: endedBy('administrative', 'replaced by a newer log-in of the same user'),
    says: /replaced by a newer log-in/,
  },
  {
    name: 'ended-by-the-gateway',
    because: 'the gateway stopped while a call was set up',
    record: { ...failedIn('lcp', 'shutdown', 'the gateway stops'), end: { reason: 'shutdown', detail: 'it stops' } },
    says: /it stops/,
  },
  {
    name: 'closed-by-the-client',
    because: 'the client hangs up',
    record: endedBy('peer-request', 'Call-Clear-Request'),
    says: /hung up after 10 s/,
  },
  { name: 'healthy', because: 'nothing is wrong', record: UP, says: /up since/ },
];
