import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { ControlMessage, ControlRecord } from '../../core/ports/control.ts';
import type { Attributes, PhaseSpan, TunnelRole } from '../../core/ports/telemetry.ts';
import { instant } from '../../core/time.ts';

/** Control messages as events of a span, each at its own time. */
export const controlEvents = (span: Pick<PhaseSpan, 'event'>, record: ControlRecord | undefined): void => {
  for (const message of record?.messages ?? []) {
    span.event(`pptp.${message.name}`, messageAttributes(message), instant(message.at));
  }
};

/** What the peer says of itself. */
export const peerAttributes = ({ hostName, vendorName }: ControlRecord = { messages: [] }): Attributes => ({
  ...(hostName === undefined ? {} : { 'pptp.peer.host_name': hostName }),
  ...(vendorName === undefined ? {} : { 'pptp.peer.vendor': vendorName }),
});

const messageAttributes = ({ direction, resultCode, result, errorCode }: ControlMessage): Attributes => ({
  'network.io.direction': direction === 'in' ? 'receive' : 'transmit',
  ...(resultCode === undefined ? {} : { 'pptp.result_code': resultCode }),
  ...(result === undefined ? {} : { 'pptp.result': result }),
  ...(errorCode === undefined ? {} : { 'pptp.error_code': errorCode }),
});

/** Who is at the two ends of a control connection, by the semantic conventions. `peerName` is "203.0.113.9:51234". */
export const connectionAttributes = (role: TunnelRole, local: Ipv4, peer: Ipv4, peerName: string): Attributes => {
  const [us, them] = [formatIpv4(local), formatIpv4(peer)];
  const port = /:(\d{1,5})$/.exec(peerName)?.[1];
  const peerPort = port === undefined ? {} : { 'network.peer.port': Number(port) };
  return {
    'network.transport': 'tcp',
    'network.type': 'ipv4',
    'network.protocol.name': 'pptp',
    'network.local.address': us,
    'network.peer.address': them,
    ...peerPort,
    'client.address': role === 'server' ? them : us,
    'server.address': role === 'server' ? us : them,
  };
};
