import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import { CONTROL_TYPE, newControlMessage, PPTP_TEXT_OCTETS, readText, writeText } from './pptp-message-fields.ts';

/** RFC 2637 section 2.1, 156 octets. */
export interface StartControlConnectionRequest {
  readonly kind: 'start-control-connection-request';
  readonly protocolVersion: number;
  readonly framingCapabilities: number;
  readonly bearerCapabilities: number;
  readonly maximumChannels: number;
  readonly firmwareRevision: number;
  readonly hostName: string;
  readonly vendorName: string;
}

/** RFC 2637 section 2.2, 156 octets. */
export interface StartControlConnectionReply {
  readonly kind: 'start-control-connection-reply';
  readonly protocolVersion: number;
  readonly resultCode: number;
  readonly errorCode: number;
  readonly framingCapabilities: number;
  readonly bearerCapabilities: number;
  readonly maximumChannels: number;
  readonly firmwareRevision: number;
  readonly hostName: string;
  readonly vendorName: string;
}

/** RFC 2637 section 2.3, 16 octets. */
export interface StopControlConnectionRequest {
  readonly kind: 'stop-control-connection-request';
  readonly reason: number;
}

/** RFC 2637 section 2.4, 16 octets. */
export interface StopControlConnectionReply {
  readonly kind: 'stop-control-connection-reply';
  readonly resultCode: number;
  readonly errorCode: number;
}

/** RFC 2637 section 2.5, 16 octets. */
export interface EchoRequest {
  readonly kind: 'echo-request';
  readonly identifier: number;
}

/** RFC 2637 section 2.6, 20 octets. */
export interface EchoReply {
  readonly kind: 'echo-reply';
  readonly identifier: number;
  readonly resultCode: number;
  readonly errorCode: number;
}

export type ConnectionMessage =
  | StartControlConnectionRequest
  | StartControlConnectionReply
  | StopControlConnectionRequest
  | StopControlConnectionReply
  | EchoRequest
  | EchoReply;

/** Body of a message whose header was checked. Reserved fields are not looked at. */
export const parseStartRequest = (b: Uint8Array): StartControlConnectionRequest => ({
  kind: 'start-control-connection-request',
  protocolVersion: readU16(b, 12),
  framingCapabilities: readU32(b, 16),
  bearerCapabilities: readU32(b, 20),
  maximumChannels: readU16(b, 24),
  firmwareRevision: readU16(b, 26),
  hostName: readText(b, 28, PPTP_TEXT_OCTETS),
  vendorName: readText(b, 92, PPTP_TEXT_OCTETS),
});

export const parseStartReply = (b: Uint8Array): StartControlConnectionReply => ({
  kind: 'start-control-connection-reply',
  protocolVersion: readU16(b, 12),
  resultCode: b[14] ?? 0,
  errorCode: b[15] ?? 0,
  framingCapabilities: readU32(b, 16),
  bearerCapabilities: readU32(b, 20),
  maximumChannels: readU16(b, 24),
  firmwareRevision: readU16(b, 26),
  hostName: readText(b, 28, PPTP_TEXT_OCTETS),
  vendorName: readText(b, 92, PPTP_TEXT_OCTETS),
});

export const parseStopRequest = (b: Uint8Array): StopControlConnectionRequest => ({
  kind: 'stop-control-connection-request',
  reason: b[12] ?? 0,
});

export const parseStopReply = (b: Uint8Array): StopControlConnectionReply => ({
  kind: 'stop-control-connection-reply',
  resultCode: b[12] ?? 0,
  errorCode: b[13] ?? 0,
});

export const parseEchoRequest = (b: Uint8Array): EchoRequest => ({ kind: 'echo-request', identifier: readU32(b, 12) });

export const parseEchoReply = (b: Uint8Array): EchoReply => ({
  kind: 'echo-reply',
  identifier: readU32(b, 12),
  resultCode: b[16] ?? 0,
  errorCode: b[17] ?? 0,
});

const writeCapabilities = (
  out: Uint8Array,
  m: StartControlConnectionRequest | StartControlConnectionReply,
): Uint8Array => {
  writeU16(out, 12, m.protocolVersion);
  writeU32(out, 16, m.framingCapabilities);
  writeU32(out, 20, m.bearerCapabilities);
  writeU16(out, 24, m.maximumChannels);
  writeU16(out, 26, m.firmwareRevision);
  writeText(out, 28, PPTP_TEXT_OCTETS, m.hostName);
  writeText(out, 92, PPTP_TEXT_OCTETS, m.vendorName);
  return out;
};

export const writeConnectionMessage = (m: ConnectionMessage): Uint8Array => {
  switch (m.kind) {
    case 'start-control-connection-request':
      return writeCapabilities(newControlMessage(CONTROL_TYPE.startControlConnectionRequest), m);
    case 'start-control-connection-reply': {
      const out = writeCapabilities(newControlMessage(CONTROL_TYPE.startControlConnectionReply), m);
      out[14] = m.resultCode;
      out[15] = m.errorCode;
      return out;
    }
    case 'stop-control-connection-request': {
      const out = newControlMessage(CONTROL_TYPE.stopControlConnectionRequest);
      out[12] = m.reason;
      return out;
    }
    case 'stop-control-connection-reply': {
      const out = newControlMessage(CONTROL_TYPE.stopControlConnectionReply);
      out[12] = m.resultCode;
      out[13] = m.errorCode;
      return out;
    }
    case 'echo-request': {
      const out = newControlMessage(CONTROL_TYPE.echoRequest);
      writeU32(out, 12, m.identifier);
      return out;
    }
    case 'echo-reply': {
      const out = newControlMessage(CONTROL_TYPE.echoReply);
      writeU32(out, 12, m.identifier);
      out[16] = m.resultCode;
      out[17] = m.errorCode;
      return out;
    }
  }
};
