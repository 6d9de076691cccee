import { formatIpv4 } from '../bytes/ipv4-address.ts';
import { formatPrefix64 } from '../bytes/ipv6-address.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../ports/session-facts.ts';
import { profileJson } from './profile-json.ts';
import { JSON_PROTOCOL } from './proof-json.ts';
import type { JsonObject } from './read.ts';

const factsJson = (facts: SessionFacts): JsonObject => ({
  session: facts.id,
  identity: facts.identity,
  method: facts.method,
  peer: facts.peerName,
  peerAddress: formatIpv4(facts.call.peer),
  localAddress: formatIpv4(facts.call.local),
  callId: facts.call.localCallId,
  address: facts.address === undefined ? undefined : formatIpv4(facts.address),
  ipv6Prefix: facts.ipv6Prefix && formatPrefix64(facts.ipv6Prefix),
  encryption: facts.encryption,
  profile: profileJson(facts.profile),
  startedAt: facts.startedAt,
  upAt: facts.upAt,
  traceId: facts.traceId,
});

/** A session that came up. Times are ms since 1970. */
export const sessionUpJson = (facts: SessionFacts): JsonObject => ({
  version: JSON_PROTOCOL,
  type: 'session-up',
  ...factsJson(facts),
});

/** A session that is over, and what passed through it. */
export const sessionDownJson = (facts: SessionFacts, ending: SessionEnding, usage: SessionUsage): JsonObject => ({
  version: JSON_PROTOCOL,
  type: 'session-down',
  ...factsJson(facts),
  reason: ending.reason,
  detail: ending.detail,
  usage: {
    octetsIn: usage.octetsIn,
    octetsOut: usage.octetsOut,
    packetsIn: usage.packetsIn,
    packetsOut: usage.packetsOut,
  },
});
