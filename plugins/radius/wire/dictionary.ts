import type { AttributeType, ValueKind } from './attribute.ts';
import { integer, interfaceId, ipv4, ipv6, ipv6Prefix, string, taggedInteger, taggedText, text } from './kinds.ts';

/** SMI numbers of those whose attributes have a name here. */
export const VENDOR = { microsoft: 311, wispr: 14122, mikrotik: 14988 } as const;

const standard = <T>(type: number, name: string, kind: ValueKind<T>): AttributeType<T> => ({
  name,
  vendor: 0,
  type,
  kind,
});
const of =
  (vendor: number) =>
  <T>(type: number, name: string, kind: ValueKind<T>): AttributeType<T> => ({ name, vendor, type, kind });
const microsoft = of(VENDOR.microsoft);

/** Attributes of RFC 2865, 2866, 2868, 2869, 3162, 3579, 4372, 4818, 5176 and 6911 that have to do with PPP tunnels. */
export const ATTRIBUTE = {
  userName: standard(1, 'User-Name', text),
  userPassword: standard(2, 'User-Password', string),
  chapPassword: standard(3, 'CHAP-Password', string),
  nasIpAddress: standard(4, 'NAS-IP-Address', ipv4),
  nasPort: standard(5, 'NAS-Port', integer),
  serviceType: standard(6, 'Service-Type', integer),
  framedProtocol: standard(7, 'Framed-Protocol', integer),
  framedIpAddress: standard(8, 'Framed-IP-Address', ipv4),
  framedIpNetmask: standard(9, 'Framed-IP-Netmask', ipv4),
  framedRouting: standard(10, 'Framed-Routing', integer),
  filterId: standard(11, 'Filter-Id', text),
  framedMtu: standard(12, 'Framed-MTU', integer),
  framedCompression: standard(13, 'Framed-Compression', integer),
  loginIpHost: standard(14, 'Login-IP-Host', ipv4),
  loginService: standard(15, 'Login-Service', integer),
  loginTcpPort: standard(16, 'Login-TCP-Port', integer),
  replyMessage: standard(18, 'Reply-Message', text),
  callbackNumber: standard(19, 'Callback-Number', text),
  callbackId: standard(20, 'Callback-Id', text),
  framedRoute: standard(22, 'Framed-Route', text),
  framedIpxNetwork: standard(23, 'Framed-IPX-Network', integer),
  state: standard(24, 'State', string),
  class: standard(25, 'Class', string),
  sessionTimeout: standard(27, 'Session-Timeout', integer),
  idleTimeout: standard(28, 'Idle-Timeout', integer),
  terminationAction: standard(29, 'Termination-Action', integer),
  calledStationId: standard(30, 'Called-Station-Id', text),
  callingStationId: standard(31, 'Calling-Station-Id', text),
  nasIdentifier: standard(32, 'NAS-Identifier', text),
  proxyState: standard(33, 'Proxy-State', string),
  acctStatusType: standard(40, 'Acct-Status-Type', integer),
  acctDelayTime: standard(41, 'Acct-Delay-Time', integer),
  acctInputOctets: standard(42, 'Acct-Input-Octets', integer),
  acctOutputOctets: standard(43, 'Acct-Output-Octets', integer),
  acctSessionId: standard(44, 'Acct-Session-Id', text),
  acctAuthentic: standard(45, 'Acct-Authentic', integer),
  acctSessionTime: standard(46, 'Acct-Session-Time', integer),
  acctInputPackets: standard(47, 'Acct-Input-Packets', integer),
  acctOutputPackets: standard(48, 'Acct-Output-Packets', integer),
  acctTerminateCause: standard(49, 'Acct-Terminate-Cause', integer),
  acctMultiSessionId: standard(50, 'Acct-Multi-Session-Id', text),
  acctLinkCount: standard(51, 'Acct-Link-Count', integer),
  acctInputGigawords: standard(52, 'Acct-Input-Gigawords', integer),
  acctOutputGigawords: standard(53, 'Acct-Output-Gigawords', integer),
  eventTimestamp: standard(55, 'Event-Timestamp', integer),
  chapChallenge: standard(60, 'CHAP-Challenge', string),
  nasPortType: standard(61, 'NAS-Port-Type', integer),
  portLimit: standard(62, 'Port-Limit', integer),
  tunnelType: standard(64, 'Tunnel-Type', taggedInteger),
  tunnelMediumType: standard(65, 'Tunnel-Medium-Type', taggedInteger),
  tunnelClientEndpoint: standard(66, 'Tunnel-Client-Endpoint', taggedText),
  tunnelServerEndpoint: standard(67, 'Tunnel-Server-Endpoint', taggedText),
  acctTunnelConnection: standard(68, 'Acct-Tunnel-Connection', text),
  /** Hidden; see `revealTunnelPassword`. */
  tunnelPassword: standard(69, 'Tunnel-Password', string),
  connectInfo: standard(77, 'Connect-Info', text),
  eapMessage: standard(79, 'EAP-Message', string),
  messageAuthenticator: standard(80, 'Message-Authenticator', string),
  tunnelPrivateGroupId: standard(81, 'Tunnel-Private-Group-ID', taggedText),
  tunnelAssignmentId: standard(82, 'Tunnel-Assignment-ID', taggedText),
  tunnelPreference: standard(83, 'Tunnel-Preference', taggedInteger),
  acctInterimInterval: standard(85, 'Acct-Interim-Interval', integer),
  acctTunnelPacketsLost: standard(86, 'Acct-Tunnel-Packets-Lost', integer),
  nasPortId: standard(87, 'NAS-Port-Id', text),
  framedPool: standard(88, 'Framed-Pool', text),
  chargeableUserIdentity: standard(89, 'Chargeable-User-Identity', string),
  tunnelClientAuthId: standard(90, 'Tunnel-Client-Auth-ID', taggedText),
  tunnelServerAuthId: standard(91, 'Tunnel-Server-Auth-ID', taggedText),
  nasIpv6Address: standard(95, 'NAS-IPv6-Address', ipv6),
  framedInterfaceId: standard(96, 'Framed-Interface-Id', interfaceId),
  framedIpv6Prefix: standard(97, 'Framed-IPv6-Prefix', ipv6Prefix),
  framedIpv6Route: standard(99, 'Framed-IPv6-Route', text),
  framedIpv6Pool: standard(100, 'Framed-IPv6-Pool', text),
  errorCause: standard(101, 'Error-Cause', integer),
  delegatedIpv6Prefix: standard(123, 'Delegated-IPv6-Prefix', ipv6Prefix),
  framedIpv6Address: standard(168, 'Framed-IPv6-Address', ipv6),
  dnsServerIpv6Address: standard(169, 'DNS-Server-IPv6-Address', ipv6),
  delegatedIpv6PrefixPool: standard(171, 'Delegated-IPv6-Prefix-Pool', text),
  statefulIpv6AddressPool: standard(172, 'Stateful-IPv6-Address-Pool', text),

  // RFC 2548, vendor 311
  msChapResponse: microsoft(1, 'MS-CHAP-Response', string),
  msChapError: microsoft(2, 'MS-CHAP-Error', string),
  msChapCpw1: microsoft(3, 'MS-CHAP-CPW-1', string),
  msChapCpw2: microsoft(4, 'MS-CHAP-CPW-2', string),
  msChapLmEncPw: microsoft(5, 'MS-CHAP-LM-Enc-PW', string),
  msChapNtEncPw: microsoft(6, 'MS-CHAP-NT-Enc-PW', string),
  msMppeEncryptionPolicy: microsoft(7, 'MS-MPPE-Encryption-Policy', integer),
  msMppeEncryptionTypes: microsoft(8, 'MS-MPPE-Encryption-Types', integer),
  msRasVendor: microsoft(9, 'MS-RAS-Vendor', integer),
  msChapDomain: microsoft(10, 'MS-CHAP-Domain', string),
  msChapChallenge: microsoft(11, 'MS-CHAP-Challenge', string),
  msChapMppeKeys: microsoft(12, 'MS-CHAP-MPPE-Keys', string),
  msBapUsage: microsoft(13, 'MS-BAP-Usage', integer),
  msLinkUtilizationThreshold: microsoft(14, 'MS-Link-Utilization-Threshold', integer),
  msLinkDropTimeLimit: microsoft(15, 'MS-Link-Drop-Time-Limit', integer),
  msMppeSendKey: microsoft(16, 'MS-MPPE-Send-Key', string),
  msMppeRecvKey: microsoft(17, 'MS-MPPE-Recv-Key', string),
  msRasVersion: microsoft(18, 'MS-RAS-Version', text),
  msFilter: microsoft(22, 'MS-Filter', string),
  msAcctAuthType: microsoft(23, 'MS-Acct-Auth-Type', integer),
  msAcctEapType: microsoft(24, 'MS-Acct-EAP-Type', integer),
  msChap2Response: microsoft(25, 'MS-CHAP2-Response', string),
  msChap2Success: microsoft(26, 'MS-CHAP2-Success', string),
  msChap2Cpw: microsoft(27, 'MS-CHAP2-CPW', string),
  msPrimaryDnsServer: microsoft(28, 'MS-Primary-DNS-Server', ipv4),
  msSecondaryDnsServer: microsoft(29, 'MS-Secondary-DNS-Server', ipv4),
  msPrimaryNbnsServer: microsoft(30, 'MS-Primary-NBNS-Server', ipv4),
  msSecondaryNbnsServer: microsoft(31, 'MS-Secondary-NBNS-Server', ipv4),

  // What others say about rates
  wisprBandwidthMaxUp: of(VENDOR.wispr)(7, 'WISPr-Bandwidth-Max-Up', integer),
  wisprBandwidthMaxDown: of(VENDOR.wispr)(8, 'WISPr-Bandwidth-Max-Down', integer),
  mikrotikRateLimit: of(VENDOR.mikrotik)(8, 'Mikrotik-Rate-Limit', text),
} as const;

const NAMES: ReadonlyMap<string, string> = new Map(
  Object.values(ATTRIBUTE).map(({ vendor, type, name }) => [`${vendor}/${type}`, name]),
);

/** For people: `Framed-Route`, `attribute 241`, `attribute 3 of vendor 9`. */
export const attributeName = ({ vendor, type }: { readonly vendor: number; readonly type: number }): string =>
  NAMES.get(`${vendor}/${type}`) ?? `attribute ${type}${vendor === 0 ? '' : ` of vendor ${vendor}`}`;

/** Values of Service-Type, NAS-Port-Type and the like that we send or look at. */
export const SERVICE_TYPE = { framed: 2, authorizeOnly: 17 } as const;
export const FRAMED_PROTOCOL_PPP = 1;
export const NAS_PORT_TYPE_VIRTUAL = 5;
export const TUNNEL_TYPE_PPTP = 1;
export const TUNNEL_MEDIUM_IPV4 = 1;
