/** What a stage does, in a line. Stages of plug-ins have none. */
const TEXTS: ReadonlyMap<string, string> = new Map([
  ['gre', 'takes the GRE header off, and writes it'],
  ['gre-window', "keeps to the peer's window"],
  ['acknowledgments', 'acknowledges what came, alone or with data'],
  ['control-frames', 'takes frames of the negotiation out, and lets those of the gateway in'],
  ['call-demux', 'finds the session by addresses and Call ID'],
  ['sequence', 'delivers each packet once and in order'],
  ['ppp', 'tells user data from control frames'],
  ['mppe', 'decrypts and encrypts, and expands MPPC'],
  ['traffic-count', 'counts what passed for accounting'],
  ['ipsec-gate', 'lets packets pass once the hooks of IPsec know the session'],
  ['ipsec-policy', 'lets only IPsec through to protected networks'],
  ['ipsec-esp', 'ends ESP for hosts behind the gateway'],
  ['mss-clamp', 'fits the segment size of TCP into the tunnel'],
  ['mtu', 'answers or fragments what is too big'],
  ['peer-packets', 'lets packets of the gateway itself out'],
  ['intranet-packets', 'lets packets of the gateway itself in'],
  ['traffic-in', 'holds a session to filter, quota and rate'],
  ['traffic-out', 'holds a session to filter, quota and rate'],
  ['address', 'guards source addresses, and finds the way to a session'],
]);

export const stageText = (stage: string): string | undefined => TEXTS.get(stage);
