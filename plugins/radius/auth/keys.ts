import { getStartKey } from '../../../core/crypto/mppe-keys.ts';
import type { MppeKeyMaterial } from '../../../core/ports/auth.ts';
import type { Seal } from '../client/index.ts';
import { ATTRIBUTE, type Attribute, octetsOf, revealKey, revealMsChapKeys } from '../wire/index.ts';

const MPPE_KEY = 16;
const SHORT_KEY = 8;

/** Keys that serve for nothing: the user is proven, and encryption is not to be had. */
export const NO_KEYS: MppeKeyMaterial = {
  send: new Uint8Array(MPPE_KEY),
  receive: new Uint8Array(MPPE_KEY),
  strengths: [],
};

/** `broken`: they are there, and not what they should be. */
export type FoundKeys = MppeKeyMaterial | 'none' | 'broken';

/**
 * MS-MPPE-Send-Key and MS-MPPE-Recv-Key (RFC 2548 section 2.4.2), which are named from our side. EAP gives 32 octets each,
 * of which MPPE takes the first 16 (RFC 3079 section 4.1); 8 octets serve for the short lengths only.
 */
export const sessionKeys = (attributes: readonly Attribute[], { secret, authenticator }: Seal): FoundKeys => {
  const [send] = octetsOf(attributes, ATTRIBUTE.msMppeSendKey);
  const [receive] = octetsOf(attributes, ATTRIBUTE.msMppeRecvKey);
  if (send === undefined && receive === undefined) return 'none';
  if (send === undefined || receive === undefined) return 'broken';
  const ours = revealKey(send, secret, authenticator);
  const theirs = revealKey(receive, secret, authenticator);
  if (ours === undefined || theirs === undefined || ours.length !== theirs.length) return 'broken';
  if (ours.length < SHORT_KEY) return 'broken';
  const whole = ours.length >= MPPE_KEY;
  const length = whole ? MPPE_KEY : SHORT_KEY;
  return {
    send: ours.slice(0, length),
    receive: theirs.slice(0, length),
    ...(whole ? {} : { strengths: [40, 56] }),
  };
};

/**
 * MS-CHAP-MPPE-Keys (RFC 2548 section 2.4.1). What servers put there is the hash of the NT hash, of which the key is made
 * with the challenge (RFC 3079 section 2.4); the RFC's text says otherwise, and all servers do so.
 */
export const msChapV1Keys = (
  attributes: readonly Attribute[],
  { secret, authenticator }: Seal,
  challenge: Uint8Array,
): FoundKeys => {
  const [value] = octetsOf(attributes, ATTRIBUTE.msChapMppeKeys);
  if (value === undefined) return 'none';
  const keys = revealMsChapKeys(value, secret, authenticator);
  if (keys === undefined) return 'broken';
  const key = getStartKey(challenge, keys.ntKey);
  return { send: key, receive: key.slice(), strengths: [128] };
};
