import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { Session } from '../../core/datapath/session.ts';
import type { ProofOrigin } from '../../core/ports/auth.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import type { SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';

const LOCAL = ipv4(0xc633_6401);
const PEER = ipv4(0xcb00_7109);
const INNER = 0x0a63_0000;

/** A session as stages and listeners see it, with a network of its own; `number` makes it distinct, 1 to 65535. */
export const testSession = (number = 1): Session => {
  const session = new Session(sessionId(`test-${number}`), {
    local: LOCAL,
    peer: PEER,
    localCallId: callId(number),
    peerCallId: callId(number + 0x4000),
  });
  session.identity = `user-${number}`;
  session.address = ipv4(INNER + number + 1);
  return session;
};

export const testPeerName = (number = 1): string => `203.0.113.9:${40_000 + (number % 20_000)}`;

export const testOrigin = (number = 1): ProofOrigin => ({
  session: testSession(number),
  peerName: testPeerName(number),
});

/** What a listener is told of such a session. */
export const testFacts = (number = 1, changes: Partial<SessionFacts> = {}): SessionFacts => {
  const { id, call, identity = '', address } = testSession(number);
  return {
    id,
    call,
    peerName: testPeerName(number),
    identity,
    method: 'ms-chap-v2',
    address,
    ipv6Prefix: undefined,
    encryption: 'MPPE 128 stateless',
    profile: {},
    startedAt: 1_700_000_000_000,
    upAt: 1_700_000_000_500,
    traceId: '0123456789abcdef0123456789abcdef',
    ...changes,
  };
};

export const testUsage = (changes: Partial<SessionUsage> = {}): SessionUsage => ({
  octetsIn: 0,
  octetsOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  ...changes,
});
