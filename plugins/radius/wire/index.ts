/** The RADIUS codec: RFC 2865, 2866, 2868, 2869, 3162, 3579, 5176, 5997, 6911, and Microsoft's attributes of RFC 2548. */
export {
  type Attribute,
  type AttributeType,
  attribute,
  firstOf,
  has,
  type Ipv6PrefixValue,
  MAX_NAME_LENGTH,
  maxValueLength,
  octets,
  octetsOf,
  type ValueKind,
  valuesOf,
} from './attribute.ts';
export * from './dictionary.ts';
export { hmacMd5 } from './hash.ts';
export {
  hideKey,
  hideMsChapKeys,
  hidePassword,
  hideTunnelPassword,
  MAX_PASSWORD_LENGTH,
  revealKey,
  revealMsChapKeys,
  revealPassword,
  revealTunnelPassword,
} from './hiding.ts';
export type { Tagged } from './kinds.ts';
export { CODE, MAX_PACKET_LENGTH, type PacketFault, parsePacket, type RadiusPacket, writePacket } from './packet.ts';
export {
  authenticatorOf,
  isAlwaysSigned,
  joinEap,
  openReply,
  openRequest,
  type RequestToSeal,
  type SealFault,
  sealReply,
  sealRequest,
  splitEap,
} from './sealed.ts';
