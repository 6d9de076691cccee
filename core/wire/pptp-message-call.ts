import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import {
  CONTROL_TYPE,
  newControlMessage,
  PPTP_STATISTICS_OCTETS,
  PPTP_TEXT_OCTETS,
  readText,
  writeText,
} from './pptp-message-fields.ts';

/** RFC 2637 section 2.7, 168 octets. Speeds in bit/s, the delay in 1/10 s. `callId` is the sender's (PNS). */
export interface OutgoingCallRequest {
  readonly kind: 'outgoing-call-request';
  readonly callId: number;
  readonly callSerialNumber: number;
  readonly minimumBps: number;
  readonly maximumBps: number;
  readonly bearerType: number;
  readonly framingType: number;
  readonly packetReceiveWindow: number;
  readonly packetProcessingDelay: number;
  readonly phoneNumberLength: number;
  readonly phoneNumber: string;
  readonly subaddress: string;
}

/** RFC 2637 section 2.8, 32 octets. `callId` is the sender's (PAC), `peerCallId` the one of the request. */
export interface OutgoingCallReply {
  readonly kind: 'outgoing-call-reply';
  readonly callId: number;
  readonly peerCallId: number;
  readonly resultCode: number;
  readonly errorCode: number;
  readonly causeCode: number;
  readonly connectSpeed: number;
  readonly packetReceiveWindow: number;
  readonly packetProcessingDelay: number;
  readonly physicalChannelId: number;
}

/** RFC 2637 section 2.9, 220 octets. `callId` is the sender's (PAC). */
export interface IncomingCallRequest {
  readonly kind: 'incoming-call-request';
  readonly callId: number;
  readonly callSerialNumber: number;
  readonly bearerType: number;
  readonly physicalChannelId: number;
  readonly dialedNumberLength: number;
  readonly dialingNumberLength: number;
  readonly dialedNumber: string;
  readonly dialingNumber: string;
  readonly subaddress: string;
}

/** RFC 2637 section 2.10, 24 octets. `callId` is the sender's (PNS). */
export interface IncomingCallReply {
  readonly kind: 'incoming-call-reply';
  readonly callId: number;
  readonly peerCallId: number;
  readonly resultCode: number;
  readonly errorCode: number;
  readonly packetReceiveWindow: number;
  readonly packetTransmitDelay: number;
}

/** RFC 2637 section 2.11, 28 octets. `peerCallId` is the receiver's (PNS). */
export interface IncomingCallConnected {
  readonly kind: 'incoming-call-connected';
  readonly peerCallId: number;
  readonly connectSpeed: number;
  readonly packetReceiveWindow: number;
  readonly packetTransmitDelay: number;
  readonly framingType: number;
}

/** RFC 2637 section 2.12, 16 octets. `callId` is the sender's (PNS), not the receiver's. */
export interface CallClearRequest {
  readonly kind: 'call-clear-request';
  readonly callId: number;
}

/** RFC 2637 section 2.13, 148 octets. `callId` is the sender's (PAC), not the receiver's. */
export interface CallDisconnectNotify {
  readonly kind: 'call-disconnect-notify';
  readonly callId: number;
  readonly resultCode: number;
  readonly errorCode: number;
  readonly causeCode: number;
  readonly callStatistics: string;
}

export type CallMessage =
  | OutgoingCallRequest
  | OutgoingCallReply
  | IncomingCallRequest
  | IncomingCallReply
  | IncomingCallConnected
  | CallClearRequest
  | CallDisconnectNotify;

/** Body of a message whose header was checked. Reserved fields are not looked at. */
export const parseOutgoingCallRequest = (b: Uint8Array): OutgoingCallRequest => ({
  kind: 'outgoing-call-request',
  callId: readU16(b, 12),
  callSerialNumber: readU16(b, 14),
  minimumBps: readU32(b, 16),
  maximumBps: readU32(b, 20),
  bearerType: readU32(b, 24),
  framingType: readU32(b, 28),
  packetReceiveWindow: readU16(b, 32),
  packetProcessingDelay: readU16(b, 34),
  phoneNumberLength: readU16(b, 36),
  phoneNumber: readText(b, 40, PPTP_TEXT_OCTETS),
  subaddress: readText(b, 104, PPTP_TEXT_OCTETS),
});

export const parseOutgoingCallReply = (b: Uint8Array): OutgoingCallReply => ({
  kind: 'outgoing-call-reply',
  callId: readU16(b, 12),
  peerCallId: readU16(b, 14),
  resultCode: b[16] ?? 0,
  errorCode: b[17] ?? 0,
  causeCode: readU16(b, 18),
  connectSpeed: readU32(b, 20),
  packetReceiveWindow: readU16(b, 24),
  packetProcessingDelay: readU16(b, 26),
  physicalChannelId: readU32(b, 28),
});

export const parseIncomingCallRequest = (b: Uint8Array): IncomingCallRequest => ({
  kind: 'incoming-call-request',
  callId: readU16(b, 12),
  callSerialNumber: readU16(b, 14),
  bearerType: readU32(b, 16),
  physicalChannelId: readU32(b, 20),
  dialedNumberLength: readU16(b, 24),
  dialingNumberLength: readU16(b, 26),
  dialedNumber: readText(b, 28, PPTP_TEXT_OCTETS),
  dialingNumber: readText(b, 92, PPTP_TEXT_OCTETS),
  subaddress: readText(b, 156, PPTP_TEXT_OCTETS),
});

export const parseIncomingCallReply = (b: Uint8Array): IncomingCallReply => ({
  kind: 'incoming-call-reply',
  callId: readU16(b, 12),
  peerCallId: readU16(b, 14),
  resultCode: b[16] ?? 0,
  errorCode: b[17] ?? 0,
  packetReceiveWindow: readU16(b, 18),
  packetTransmitDelay: readU16(b, 20),
});

export const parseIncomingCallConnected = (b: Uint8Array): IncomingCallConnected => ({
  kind: 'incoming-call-connected',
  peerCallId: readU16(b, 12),
  connectSpeed: readU32(b, 16),
  packetReceiveWindow: readU16(b, 20),
  packetTransmitDelay: readU16(b, 22),
  framingType: readU32(b, 24),
});

export const parseCallClearRequest = (b: Uint8Array): CallClearRequest => ({
  kind: 'call-clear-request',
  callId: readU16(b, 12),
});

export const parseCallDisconnectNotify = (b: Uint8Array): CallDisconnectNotify => ({
  kind: 'call-disconnect-notify',
  callId: readU16(b, 12),
  resultCode: b[14] ?? 0,
  errorCode: b[15] ?? 0,
  causeCode: readU16(b, 16),
  callStatistics: readText(b, 20, PPTP_STATISTICS_OCTETS),
});

const writeOutgoingCallRequest = (m: OutgoingCallRequest): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.outgoingCallRequest);
  writeU16(out, 12, m.callId);
  writeU16(out, 14, m.callSerialNumber);
  writeU32(out, 16, m.minimumBps);
  writeU32(out, 20, m.maximumBps);
  writeU32(out, 24, m.bearerType);
  writeU32(out, 28, m.framingType);
  writeU16(out, 32, m.packetReceiveWindow);
  writeU16(out, 34, m.packetProcessingDelay);
  writeU16(out, 36, m.phoneNumberLength);
  writeText(out, 40, PPTP_TEXT_OCTETS, m.phoneNumber);
  writeText(out, 104, PPTP_TEXT_OCTETS, m.subaddress);
  return out;
};

const writeOutgoingCallReply = (m: OutgoingCallReply): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.outgoingCallReply);
  writeU16(out, 12, m.callId);
  writeU16(out, 14, m.peerCallId);
  out[16] = m.resultCode;
  out[17] = m.errorCode;
  writeU16(out, 18, m.causeCode);
  writeU32(out, 20, m.connectSpeed);
  writeU16(out, 24, m.packetReceiveWindow);
  writeU16(out, 26, m.packetProcessingDelay);
  writeU32(out, 28, m.physicalChannelId);
  return out;
};

const writeIncomingCallRequest = (m: IncomingCallRequest): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.incomingCallRequest);
  writeU16(out, 12, m.callId);
  writeU16(out, 14, m.callSerialNumber);
  writeU32(out, 16, m.bearerType);
  writeU32(out, 20, m.physicalChannelId);
  writeU16(out, 24, m.dialedNumberLength);
  writeU16(out, 26, m.dialingNumberLength);
  writeText(out, 28, PPTP_TEXT_OCTETS, m.dialedNumber);
  writeText(out, 92, PPTP_TEXT_OCTETS, m.dialingNumber);
  writeText(out, 156, PPTP_TEXT_OCTETS, m.subaddress);
  return out;
};

const writeIncomingCallReply = (m: IncomingCallReply): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.incomingCallReply);
  writeU16(out, 12, m.callId);
  writeU16(out, 14, m.peerCallId);
  out[16] = m.resultCode;
  out[17] = m.errorCode;
  writeU16(out, 18, m.packetReceiveWindow);
  writeU16(out, 20, m.packetTransmitDelay);
  return out;
};

const writeIncomingCallConnected = (m: IncomingCallConnected): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.incomingCallConnected);
  writeU16(out, 12, m.peerCallId);
  writeU32(out, 16, m.connectSpeed);
  writeU16(out, 20, m.packetReceiveWindow);
  writeU16(out, 22, m.packetTransmitDelay);
  writeU32(out, 24, m.framingType);
  return out;
};

const writeCallClearRequest = (m: CallClearRequest): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.callClearRequest);
  writeU16(out, 12, m.callId);
  return out;
};

const writeCallDisconnectNotify = (m: CallDisconnectNotify): Uint8Array => {
  const out = newControlMessage(CONTROL_TYPE.callDisconnectNotify);
  writeU16(out, 12, m.callId);
  out[14] = m.resultCode;
  out[15] = m.errorCode;
  writeU16(out, 16, m.causeCode);
  writeText(out, 20, PPTP_STATISTICS_OCTETS, m.callStatistics);
  return out;
};

export const writeCallMessage = (m: CallMessage): Uint8Array => {
  switch (m.kind) {
    case 'outgoing-call-request':
      return writeOutgoingCallRequest(m);
    case 'outgoing-call-reply':
      return writeOutgoingCallReply(m);
    case 'incoming-call-request':
      return writeIncomingCallRequest(m);
    case 'incoming-call-reply':
      return writeIncomingCallReply(m);
    case 'incoming-call-connected':
      return writeIncomingCallConnected(m);
    case 'call-clear-request':
      return writeCallClearRequest(m);
    case 'call-disconnect-notify':
      return writeCallDisconnectNotify(m);
  }
};
