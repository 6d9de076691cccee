/** RADIUS as a back-end for proofs, and what an Access-Accept means. */
export { ACCEPT_RULES, type AcceptRule, SILENT_TYPES } from './accept-rules.ts';
export { type Accepted, readAccept } from './access-accept.ts';
export { type Admitted, Judgement } from './judgement.ts';
export { type FoundKeys, msChapV1Keys, NO_KEYS, sessionKeys } from './keys.ts';
export { PROOFS, RADIUS_KINDS, type RadiusKind } from './proof-attributes.ts';
export {
  RadiusAuthenticator,
  type RadiusAuthenticatorDeps,
  type RadiusAuthenticatorOptions,
} from './radius-authenticator.ts';
export { parseRates } from './rates.ts';
