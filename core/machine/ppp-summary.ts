// What one control frame of a link is, in a few words for traces. Authentication packets carry proofs and passwords, so of
// them only the kind is told, and of other packets the options, which hold none.

import { readU16, readU32 } from '../bytes/bytes.ts';
import { formatIpv4, ipv4 } from '../bytes/ipv4-address.ts';
import { EAP_CODE, EAP_TYPE, parseEap } from '../wire/eap.ts';
import { PPP } from '../wire/ppp.ts';
import { CODE, type ConfigOption, parseConfigPacket, parseOptions } from '../wire/ppp-config.ts';
import { describeMppe, MPPE_OPTION } from './ccp-options.ts';
import { describeEapTypes } from './eap-methods.ts';
import { IPCP_OPTION } from './ipcp-options.ts';
import { IPV6CP_OPTION } from './ipv6cp-options.ts';
import { describeAuthentication, LCP_OPTION } from './lcp-options.ts';

/** The protocol of a control frame, as phases name it: authentication protocols are `auth`. */
export type PppLayer = 'lcp' | 'auth' | 'ccp' | 'ipcp' | 'ipv6cp';

export interface PppSummary {
  readonly layer: PppLayer;
  /** "lcp.configure-request", "chap.challenge", "eap.request": from a fixed set. */
  readonly name: string;
  readonly identifier: number;
  /** Options of a negotiation ("mru 1400, auth ms-chap-v2"), or the type of an EAP packet. */
  readonly detail?: string;
}

const CONFIG_LAYERS: ReadonlyMap<number, Exclude<PppLayer, 'auth'>> = new Map([
  [PPP.lcp, 'lcp'],
  [PPP.ccp, 'ccp'],
  [PPP.ipcp, 'ipcp'],
  [PPP.ipv6cp, 'ipv6cp'],
]);

const hyphenated = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const CONFIG_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CODE).map(([name, code]) => [code, hyphenated(name)]),
);
/** RFC 1994 section 4; RFC 2433 section 8 and RFC 2759 section 7 for the changes of passwords. */
const CHAP_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'challenge'],
  [2, 'response'],
  [3, 'success'],
  [4, 'failure'],
  [5, 'change-password'],
  [6, 'change-password'],
  [7, 'change-password'],
]);
const PAP_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'request'],
  [2, 'ack'],
  [3, 'nak'],
]);
const EAP_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(EAP_CODE).map(([name, code]) => [code, name]));

/** Undefined for frames of protocols that negotiate nothing. Total on any octets. */
export const summarizePpp = (protocol: number, bytes: Uint8Array): PppSummary | undefined => {
  const layer = CONFIG_LAYERS.get(protocol);
  if (layer !== undefined) return summarizeConfig(layer, bytes);
  switch (protocol) {
    case PPP.chap:
      return summarizeAuth('chap', CHAP_NAMES, bytes);
    case PPP.pap:
      return summarizeAuth('pap', PAP_NAMES, bytes);
    case PPP.eap:
      return summarizeEap(bytes);
    default:
      return undefined;
  }
};

/** The method in the Authentication-Protocol option of an LCP packet; undefined when there is none. */
export const agreedMethod = (bytes: Uint8Array): string | undefined => {
  const packet = parseConfigPacket(bytes);
  if (packet?.code !== CODE.configureAck) return undefined;
  const option = parseOptions(packet.data)?.find(({ type }) => type === LCP_OPTION.authentication);
  return option && describeAuthentication(option.data);
};

const summarizeAuth = (protocol: string, names: ReadonlyMap<number, string>, bytes: Uint8Array): PppSummary => ({
  layer: 'auth',
  name: `${protocol}.${names.get(bytes[0] ?? 0) ?? 'unknown'}`,
  identifier: bytes[1] ?? 0,
});

const summarizeEap = (bytes: Uint8Array): PppSummary => {
  const summary = summarizeAuth('eap', EAP_NAMES, bytes);
  const packet = parseEap(bytes);
  if (packet?.kind !== 'request' && packet?.kind !== 'response') return summary;
  if (packet.type === EAP_TYPE.identity) return { ...summary, detail: 'identity' };
  if (packet.type === EAP_TYPE.nak) {
    return { ...summary, name: 'eap.nak', detail: `wants ${describeEapTypes(packet.data)}` };
  }
  return { ...summary, detail: describeEapTypes(Uint8Array.of(packet.type)) };
};

const summarizeConfig = (layer: Exclude<PppLayer, 'auth'>, bytes: Uint8Array): PppSummary => {
  const packet = parseConfigPacket(bytes);
  const code = packet?.code ?? bytes[0] ?? 0;
  const summary = { layer, name: `${layer}.${CONFIG_NAMES.get(code) ?? 'unknown'}`, identifier: bytes[1] ?? 0 };
  if (packet === undefined || code < CODE.configureRequest || code > CODE.configureReject) return summary;
  const options = parseOptions(packet.data);
  if (options === undefined) return { ...summary, detail: 'malformed options' };
  if (options.length === 0) return summary;
  return {
    ...summary,
    detail: options
      .slice(0, MAX_OPTIONS)
      .map((option) => describeOption(layer, option))
      .join(', '),
  };
};

const MAX_OPTIONS = 12;

const describeOption = (layer: Exclude<PppLayer, 'auth'>, { type, data }: ConfigOption): string => {
  switch (layer) {
    case 'lcp':
      return describeLcp(type, data);
    case 'ccp':
      return type === MPPE_OPTION && data.length === 4 ? `mppe ${describeMppe(readU32(data, 0))}` : `type ${type}`;
    case 'ipcp':
      return describeIpcp(type, data);
    case 'ipv6cp':
      return type === IPV6CP_OPTION.interfaceId ? 'interface-id' : `type ${type}`;
  }
};

const LCP_FLAGS: ReadonlyMap<number, string> = new Map([
  [LCP_OPTION.accm, 'accm'],
  [LCP_OPTION.quality, 'quality'],
  [LCP_OPTION.magic, 'magic'],
  [LCP_OPTION.pfc, 'pfc'],
  [LCP_OPTION.acfc, 'acfc'],
  [13, 'callback'],
  [17, 'mrru'],
  [19, 'endpoint-discriminator'],
]);

const describeLcp = (type: number, data: Uint8Array): string => {
  if (type === LCP_OPTION.mru && data.length === 2) return `mru ${readU16(data, 0)}`;
  if (type === LCP_OPTION.authentication) return `auth ${describeAuthentication(data)}`;
  return LCP_FLAGS.get(type) ?? `type ${type}`;
};

const IPCP_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(IPCP_OPTION).map(([name, type]) => [type, hyphenated(name)]),
);

const describeIpcp = (type: number, data: Uint8Array): string => {
  const name = IPCP_NAMES.get(type) ?? `type ${type}`;
  return data.length === 4 ? `${name} ${formatIpv4(ipv4(readU32(data, 0)))}` : name;
};
