import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PEER_HOST_NAME, type SessionView } from '../../core/datapath/session.ts';
import type { CallEndpoint, SessionId } from '../../core/ports/ids.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  FRAMED_PROTOCOL_PPP,
  SERVICE_TYPE,
  TUNNEL_MEDIUM_IPV4,
  TUNNEL_TYPE_PPTP,
} from './wire/index.ts';

/** What requests say of this gateway. */
export interface NasOptions {
  readonly identifier: string;
  /** Undefined: the address that the peer called, and none where no peer is concerned. */
  readonly address: Ipv4 | undefined;
  /** NAS-Port-Type. */
  readonly portType: number;
}

/** A session as requests speak of it; SessionView and SessionFacts are such. */
export interface Call {
  readonly id: SessionId;
  readonly call: CallEndpoint;
  readonly attributes?: SessionView['attributes'];
  readonly hostName?: string;
}

const NO_TAG = 0;

/** Which gateway it is. */
export const gatewayAttributes = ({ identifier, address }: NasOptions): readonly Attribute[] => [
  attribute(ATTRIBUTE.nasIdentifier, identifier),
  ...(address === undefined ? [] : [attribute(ATTRIBUTE.nasIpAddress, address)]),
];

/**
 * Which gateway, which call, from where: in Access-Request and accounting alike, so that a server can put them together.
 * Acct-Session-Id is the gateway's own name of the session, as in logs, traces and CoA.
 */
export const callAttributes = (nas: NasOptions, session: Call): readonly Attribute[] => {
  const { id, call, hostName = session.attributes?.get(PEER_HOST_NAME) } = session;
  const peer = formatIpv4(call.peer);
  const local = formatIpv4(call.local);
  const tagged = <T>(value: T): { readonly tag: number; readonly value: T } => ({ tag: NO_TAG, value });
  return [
    ...gatewayAttributes({ ...nas, address: nas.address ?? call.local }),
    attribute(ATTRIBUTE.nasPort, call.localCallId),
    attribute(ATTRIBUTE.nasPortId, `pptp-${call.localCallId}`),
    attribute(ATTRIBUTE.nasPortType, nas.portType),
    attribute(ATTRIBUTE.serviceType, SERVICE_TYPE.framed),
    attribute(ATTRIBUTE.framedProtocol, FRAMED_PROTOCOL_PPP),
    attribute(ATTRIBUTE.callingStationId, peer),
    attribute(ATTRIBUTE.calledStationId, local),
    attribute(ATTRIBUTE.tunnelType, tagged(TUNNEL_TYPE_PPTP)),
    attribute(ATTRIBUTE.tunnelMediumType, tagged(TUNNEL_MEDIUM_IPV4)),
    attribute(ATTRIBUTE.tunnelClientEndpoint, tagged(peer)),
    attribute(ATTRIBUTE.tunnelServerEndpoint, tagged(local)),
    ...(hostName === undefined ? [] : [attribute(ATTRIBUTE.tunnelClientAuthId, tagged(hostName))]),
    attribute(ATTRIBUTE.tunnelServerAuthId, tagged(nas.identifier)),
    attribute(ATTRIBUTE.acctSessionId, id),
  ];
};
