import { printable } from '../bytes/ascii.ts';
import type { StartControlConnectionReply, StartControlConnectionRequest } from '../wire/pptp-message-connection.ts';
import { textBeforeNul } from '../wire/pptp-message-fields.ts';
import type { ControlPeer } from './pptp-control-types.ts';

export const peerOf = (m: StartControlConnectionRequest | StartControlConnectionReply): ControlPeer => ({
  protocolVersion: m.protocolVersion,
  framingCapabilities: m.framingCapabilities,
  bearerCapabilities: m.bearerCapabilities,
  maximumChannels: m.maximumChannels,
  firmwareRevision: m.firmwareRevision,
  hostName: printable(textBeforeNul(m.hostName)),
  vendorName: printable(textBeforeNul(m.vendorName)),
});
