// One message of each of the 15 types of RFC 2637 section 2, written out by hand from the diagrams there: no field has
// the value of its neighbour, so a field read from the wrong place shows.
import type { PptpMessage } from '../../core/wire/pptp-message.ts';

export interface ControlVector {
  readonly section: string;
  readonly length: number;
  readonly hex: string;
  readonly message: PptpMessage;
}

/** A text field: ASCII, then zeros up to `octets`. */
export const textHex = (text: string, octets: number): string => {
  let out = '';
  for (let i = 0; i < octets; i += 1) out += (i < text.length ? text.charCodeAt(i) : 0).toString(16).padStart(2, '0');
  return out;
};

export const CONTROL_VECTORS: readonly ControlVector[] = [
  {
    section: '2.1',
    length: 156,
    hex: `009c 0001 1a2b3c4d 0001 0000 0100 0000 00000001 00000002 0003 0405
      ${textHex('client.example', 64)} ${textHex('A Vendor', 64)}`,
    message: {
      kind: 'start-control-connection-request',
      protocolVersion: 0x0100,
      framingCapabilities: 1,
      bearerCapabilities: 2,
      maximumChannels: 3,
      firmwareRevision: 0x0405,
      hostName: 'client.example',
      vendorName: 'A Vendor',
    },
  },
  {
    section: '2.2',
    length: 156,
    hex: `009c 0001 1a2b3c4d 0002 0000 0100 02 04 00000003 00000001 0064 1234
      ${textHex('server.example', 64)} ${textHex('B Vendor', 64)}`,
    message: {
      kind: 'start-control-connection-reply',
      protocolVersion: 0x0100,
      resultCode: 2,
      errorCode: 4,
      framingCapabilities: 3,
      bearerCapabilities: 1,
      maximumChannels: 100,
      firmwareRevision: 0x1234,
      hostName: 'server.example',
      vendorName: 'B Vendor',
    },
  },
  {
    section: '2.3',
    length: 16,
    hex: '0010 0001 1a2b3c4d 0003 0000 03 00 0000',
    message: { kind: 'stop-control-connection-request', reason: 3 },
  },
  {
    section: '2.4',
    length: 16,
    hex: '0010 0001 1a2b3c4d 0004 0000 02 06 0000',
    message: { kind: 'stop-control-connection-reply', resultCode: 2, errorCode: 6 },
  },
  {
    section: '2.5',
    length: 16,
    hex: '0010 0001 1a2b3c4d 0005 0000 89abcdef',
    message: { kind: 'echo-request', identifier: 0x89abcdef },
  },
  {
    section: '2.6',
    length: 20,
    hex: '0014 0001 1a2b3c4d 0006 0000 89abcdef 02 03 0000',
    message: { kind: 'echo-reply', identifier: 0x89abcdef, resultCode: 2, errorCode: 3 },
  },
  {
    section: '2.7',
    length: 168,
    hex: `00a8 0001 1a2b3c4d 0007 0000 a1a2 b1b2 0000012c 05f5e100 00000003 00000002 0040 0005 0004 0000
      ${textHex('5551', 64)} ${textHex('sub', 64)}`,
    message: {
      kind: 'outgoing-call-request',
      callId: 0xa1a2,
      callSerialNumber: 0xb1b2,
      minimumBps: 300,
      maximumBps: 100_000_000,
      bearerType: 3,
      framingType: 2,
      packetReceiveWindow: 64,
      packetProcessingDelay: 5,
      phoneNumberLength: 4,
      phoneNumber: '5551',
      subaddress: 'sub',
    },
  },
  {
    section: '2.8',
    length: 32,
    hex: '0020 0001 1a2b3c4d 0008 0000 c1c2 a1a2 02 05 d1d2 00512502 4000 0007 e1e2e3e4',
    message: {
      kind: 'outgoing-call-reply',
      callId: 0xc1c2,
      peerCallId: 0xa1a2,
      resultCode: 2,
      errorCode: 5,
      causeCode: 0xd1d2,
      connectSpeed: 0x00512502,
      packetReceiveWindow: 0x4000,
      packetProcessingDelay: 7,
      physicalChannelId: 0xe1e2e3e4,
    },
  },
  {
    section: '2.9',
    length: 220,
    hex: `00dc 0001 1a2b3c4d 0009 0000 a1a2 b1b2 00000002 f1f2f3f4 0003 0005
      ${textHex('123', 64)} ${textHex('45678', 64)} ${textHex('s', 64)}`,
    message: {
      kind: 'incoming-call-request',
      callId: 0xa1a2,
      callSerialNumber: 0xb1b2,
      bearerType: 2,
      physicalChannelId: 0xf1f2f3f4,
      dialedNumberLength: 3,
      dialingNumberLength: 5,
      dialedNumber: '123',
      dialingNumber: '45678',
      subaddress: 's',
    },
  },
  {
    section: '2.10',
    length: 24,
    hex: '0018 0001 1a2b3c4d 000a 0000 c1c2 a1a2 03 01 0010 0002 0000',
    message: {
      kind: 'incoming-call-reply',
      callId: 0xc1c2,
      peerCallId: 0xa1a2,
      resultCode: 3,
      errorCode: 1,
      packetReceiveWindow: 16,
      packetTransmitDelay: 2,
    },
  },
  {
    section: '2.11',
    length: 28,
    hex: '001c 0001 1a2b3c4d 000b 0000 a1a2 0000 0000fa00 0008 0009 00000001',
    message: {
      kind: 'incoming-call-connected',
      peerCallId: 0xa1a2,
      connectSpeed: 64_000,
      packetReceiveWindow: 8,
      packetTransmitDelay: 9,
      framingType: 1,
    },
  },
  {
    section: '2.12',
    length: 16,
    hex: '0010 0001 1a2b3c4d 000c 0000 a1a2 0000',
    message: { kind: 'call-clear-request', callId: 0xa1a2 },
  },
  {
    section: '2.13',
    length: 148,
    hex: `0094 0001 1a2b3c4d 000d 0000 c1c2 04 01 d1d2 0000 ${textHex('in 10 out 20', 128)}`,
    message: {
      kind: 'call-disconnect-notify',
      callId: 0xc1c2,
      resultCode: 4,
      errorCode: 1,
      causeCode: 0xd1d2,
      callStatistics: 'in 10 out 20',
    },
  },
  {
    section: '2.14',
    length: 40,
    hex: '0028 0001 1a2b3c4d 000e 0000 a1a2 0000 00000001 00000002 00000003 00000004 00000005 fffffff0',
    message: {
      kind: 'wan-error-notify',
      peerCallId: 0xa1a2,
      crcErrors: 1,
      framingErrors: 2,
      hardwareOverruns: 3,
      bufferOverruns: 4,
      timeOutErrors: 5,
      alignmentErrors: 0xfffffff0,
    },
  },
  {
    section: '2.15',
    length: 24,
    hex: '0018 0001 1a2b3c4d 000f 0000 c1c2 0000 ffffffff 000a0000',
    message: { kind: 'set-link-info', peerCallId: 0xc1c2, sendAccm: 0xffffffff, receiveAccm: 0x000a0000 },
  },
];

/**
 * The exchange of MS-PTPT section 4, put together from the field values printed there (not a copy of the dumps): fields
 * it does not give are zero, host names are made up. The length of its CCR is printed as 32 there, which is wrong.
 */
export const MS_PTPT_EXCHANGE: readonly ControlVector[] = [
  {
    section: 'SCCRQ',
    length: 156,
    hex: `009c00011a2b3c4d00010000 0100 0000 00000001 00000001 0000 0000 ${textHex('', 64)} ${textHex('Microsoft', 64)}`,
    message: {
      kind: 'start-control-connection-request',
      protocolVersion: 0x0100,
      framingCapabilities: 1,
      bearerCapabilities: 1,
      maximumChannels: 0,
      firmwareRevision: 0,
      hostName: '',
      vendorName: 'Microsoft',
    },
  },
  {
    section: 'OCRQ',
    length: 168,
    hex: `00a800011a2b3c4d00070000 faea 0001 0000012c 05f5e100 00000003 00000003 0040 0000 0000 0000 ${textHex('', 128)}`,
    message: {
      kind: 'outgoing-call-request',
      callId: 0xfaea,
      callSerialNumber: 1,
      minimumBps: 300,
      maximumBps: 0x05f5e100,
      bearerType: 3,
      framingType: 3,
      packetReceiveWindow: 64,
      packetProcessingDelay: 0,
      phoneNumberLength: 0,
      phoneNumber: '',
      subaddress: '',
    },
  },
  {
    section: 'OCRP',
    length: 32,
    hex: '002000011a2b3c4d00080000 e40a faea 01 00 0000 00512502 4000 0000 00000000',
    message: {
      kind: 'outgoing-call-reply',
      callId: 0xe40a,
      peerCallId: 0xfaea,
      resultCode: 1,
      errorCode: 0,
      causeCode: 0,
      connectSpeed: 0x00512502,
      packetReceiveWindow: 0x4000,
      packetProcessingDelay: 0,
      physicalChannelId: 0,
    },
  },
  {
    section: 'CCR',
    length: 16,
    hex: '001000011a2b3c4d000c0000 faea 0000',
    message: { kind: 'call-clear-request', callId: 0xfaea },
  },
  {
    section: 'CDN',
    length: 148,
    hex: `009400011a2b3c4d000d0000 e40a 00 00 0000 0000 ${textHex('', 128)}`,
    message: {
      kind: 'call-disconnect-notify',
      callId: 0xe40a,
      resultCode: 0,
      errorCode: 0,
      causeCode: 0,
      callStatistics: '',
    },
  },
  {
    section: 'Stop-Control-Connection-Request',
    length: 16,
    hex: '001000011a2b3c4d00030000 01 00 0000',
    message: { kind: 'stop-control-connection-request', reason: 1 },
  },
  {
    section: 'Stop-Control-Connection-Reply',
    length: 16,
    hex: '001000011a2b3c4d00040000 01 00 0000',
    message: { kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 },
  },
];
