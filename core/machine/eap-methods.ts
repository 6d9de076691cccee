import type { AuthContext } from '../ports/auth.ts';
import type { EapMethod } from '../ports/eap.ts';
import { EAP_OVERHEAD, EAP_TYPE } from '../wire/eap.ts';

const DEFAULT_MRU = 1400;

/** Octets of type data that fit the link. */
export const eapRoom = (mru = DEFAULT_MRU): number => mru - EAP_OVERHEAD;

/**
 * The methods for one link. Where keys are needed, a method without keys is not offered: the link would be refused after
 * it. When there is none with keys, all are kept, since that refusal names the reason.
 */
export const eapMethodsFor = (methods: readonly EapMethod[], context: AuthContext): readonly EapMethod[] => {
  const keyed = methods.filter(({ yieldsKeys }) => yieldsKeys);
  return context.keysRequired === true && keyed.length > 0 ? keyed : methods;
};

/** "tls, type 44", for people. */
export const describeEapTypes = (types: Uint8Array): string => {
  const named = [...types.subarray(0, 8)].filter((type) => type !== 0).map(describeEapType);
  return named.length === 0 ? 'none' : named.join(', ');
};

const NAMES = new Map<number, string>([
  [EAP_TYPE.md5Challenge, 'md5'],
  [EAP_TYPE.tls, 'tls'],
  [21, 'ttls'],
  [25, 'peap'],
  [EAP_TYPE.msChapV2, 'ms-chap-v2'],
]);

const describeEapType = (type: number): string => NAMES.get(type) ?? `type ${type}`;
