import type { DropReason } from '../../core/outcome.ts';

/** The table of docs/drop-reasons.md, word for word; a test compares the two. */
export const DROP_REASON_TEXTS: Readonly<Record<DropReason, string>> = {
  truncated: 'the packet is shorter than its own header says',
  malformed: 'a field has a value that its protocol forbids',
  unsupported:
    'well formed, but of a kind this gateway does not handle (GRE version 0, an inner protocol other than IPv4)',
  'unknown-call': 'no call has this Call ID at the address the packet was sent to',
  'wrong-peer': "the Call ID is in use, but the packet comes from another address than the call's peer",
  duplicate: 'a GRE or ESP sequence number that was delivered already',
  late: 'a GRE sequence number or MPPE coherency count that was given up before the packet came; an ESP sequence number below the window; fragments whose rest never came',
  'reorder-overflow': 'a GRE sequence number far ahead of everything seen, not confirmed by its successor',
  'wrong-phase': 'user data before its protocol is up, or after it went down',
  unencrypted: 'user data in the clear on a link where encryption is required',
  'decrypt-failed':
    'MPPE or MPPC gave something that is no PPP packet, as keys, counts or histories do not agree; or it waits for the peer to start over after a loss; of ESP: the integrity check value is wrong',
  'spoofed-source': 'the inner source address is not the one assigned to the peer',
  'no-route': 'no session has the inner destination address',
  policy: "a plug-in refused the packet, the filter of the session did, or the session's quota is used up",
  'too-big': "larger than the peer's MRU or the outgoing path allows",
  'queue-full': 'a bounded queue had no place left',
  'device-refused': 'the socket or the TUN device did not take the packet',
  'stage-fault': 'a stage threw an exception; the log has it',
  'rate-limited': "above the session's rate, and the short queue in front of it is full",
  'no-sa':
    'no security association for this ESP packet (unknown SPI), or none that may still be used for a packet that needs one (ipsec-esp)',
  dummy: 'an ESP packet that carries nothing on purpose (next header 59, RFC 4303 section 2.6)',
};

const TEXTS: ReadonlyMap<string, string> = new Map(Object.entries(DROP_REASON_TEXTS));

/** Of a newer gateway there may be reasons that this page does not know. */
export const dropReasonText = (reason: string): string => TEXTS.get(reason) ?? 'no text about this reason here';
