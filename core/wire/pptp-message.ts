// The 15 control messages of RFC 2637 section 2. Numbers are kept as they came: unknown result and error codes are for
// the reader of the message to judge. Reserved fields are written as zero and ignored on receipt.
import { readU16 } from '../bytes/bytes.ts';
import {
  type CallMessage,
  parseCallClearRequest,
  parseCallDisconnectNotify,
  parseIncomingCallConnected,
  parseIncomingCallReply,
  parseIncomingCallRequest,
  parseOutgoingCallReply,
  parseOutgoingCallRequest,
  writeCallMessage,
} from './pptp-message-call.ts';
import {
  type ConnectionMessage,
  parseEchoReply,
  parseEchoRequest,
  parseStartReply,
  parseStartRequest,
  parseStopReply,
  parseStopRequest,
  writeConnectionMessage,
} from './pptp-message-connection.ts';
import { CONTROL_HEADER, CONTROL_TYPE, checkControlHeader, type PptpMessageFault } from './pptp-message-fields.ts';
import { type LinkMessage, parseSetLinkInfo, parseWanErrorNotify, writeLinkMessage } from './pptp-message-link.ts';

export type PptpMessage = ConnectionMessage | CallMessage | LinkMessage;

/** One whole message at the start of `bytes`; what follows it is not looked at. The name of the fault otherwise. */
export const parsePptpMessage = (bytes: Uint8Array): PptpMessage | PptpMessageFault => {
  const fault = checkControlHeader(bytes, bytes.length);
  if (fault !== undefined) return fault;
  if (bytes.length < CONTROL_HEADER || bytes.length < readU16(bytes, 0)) return 'truncated';
  switch (readU16(bytes, 8)) {
    case CONTROL_TYPE.startControlConnectionRequest:
      return parseStartRequest(bytes);
    case CONTROL_TYPE.startControlConnectionReply:
      return parseStartReply(bytes);
    case CONTROL_TYPE.stopControlConnectionRequest:
      return parseStopRequest(bytes);
    case CONTROL_TYPE.stopControlConnectionReply:
      return parseStopReply(bytes);
    case CONTROL_TYPE.echoRequest:
      return parseEchoRequest(bytes);
    case CONTROL_TYPE.echoReply:
      return parseEchoReply(bytes);
    case CONTROL_TYPE.outgoingCallRequest:
      return parseOutgoingCallRequest(bytes);
    case CONTROL_TYPE.outgoingCallReply:
      return parseOutgoingCallReply(bytes);
    case CONTROL_TYPE.incomingCallRequest:
      return parseIncomingCallRequest(bytes);
    case CONTROL_TYPE.incomingCallReply:
      return parseIncomingCallReply(bytes);
    case CONTROL_TYPE.incomingCallConnected:
      return parseIncomingCallConnected(bytes);
    case CONTROL_TYPE.callClearRequest:
      return parseCallClearRequest(bytes);
    case CONTROL_TYPE.callDisconnectNotify:
      return parseCallDisconnectNotify(bytes);
    case CONTROL_TYPE.wanErrorNotify:
      return parseWanErrorNotify(bytes);
    case CONTROL_TYPE.setLinkInfo:
      return parseSetLinkInfo(bytes);
    default:
      return 'bad-control-type';
  }
};

/** The octets of a message. Numbers are cut to their field, texts to 64 (statistics 128) octets and padded with zeros. */
export const writePptpMessage = (message: PptpMessage): Uint8Array => {
  switch (message.kind) {
    case 'start-control-connection-request':
    case 'start-control-connection-reply':
    case 'stop-control-connection-request':
    case 'stop-control-connection-reply':
    case 'echo-request':
    case 'echo-reply':
      return writeConnectionMessage(message);
    case 'wan-error-notify':
    case 'set-link-info':
      return writeLinkMessage(message);
    default:
      return writeCallMessage(message);
  }
};
