// The call messages we send, with the fields that never vary filled in.
import type { ClearReason, WanErrors } from '../ports/control.ts';
import type {
  CallDisconnectNotify,
  IncomingCallConnected,
  IncomingCallReply,
  IncomingCallRequest,
  OutgoingCallReply,
  OutgoingCallRequest,
} from '../wire/pptp-message-call.ts';
import { BEARER, FRAMING, GENERAL_ERROR, INCOMING_RESULT, OUTGOING_RESULT } from '../wire/pptp-message-codes.ts';
import { PPTP_TEXT_OCTETS } from '../wire/pptp-message-fields.ts';
import type { WanErrorNotify } from '../wire/pptp-message-link.ts';
import { DISCONNECT_CODES } from './pptp-clear-codes.ts';
import type { CallRefusal, ControlOptions, IncomingNumbers } from './pptp-control-types.ts';

/** The speed range of our requests begins here, as Windows' does (MS-PTPT section 4); servers ignore it. */
const MINIMUM_BPS = 300;

export const outgoingCallRequest = (
  callId: number,
  callSerialNumber: number,
  phoneNumber: string,
  options: ControlOptions,
): OutgoingCallRequest => ({
  kind: 'outgoing-call-request',
  callId,
  callSerialNumber,
  minimumBps: MINIMUM_BPS,
  maximumBps: options.connectSpeed,
  bearerType: BEARER.any,
  framingType: FRAMING.either,
  packetReceiveWindow: options.receiveWindow,
  packetProcessingDelay: options.processingDelay,
  phoneNumberLength: Math.min(phoneNumber.length, PPTP_TEXT_OCTETS),
  phoneNumber,
  subaddress: '',
});

export const callConnected = (
  callId: number,
  peerCallId: number,
  connectSpeed: number,
  options: ControlOptions,
): OutgoingCallReply => ({
  kind: 'outgoing-call-reply',
  callId,
  peerCallId,
  resultCode: OUTGOING_RESULT.connected,
  errorCode: GENERAL_ERROR.none,
  causeCode: 0,
  connectSpeed,
  packetReceiveWindow: options.receiveWindow,
  packetProcessingDelay: options.processingDelay,
  physicalChannelId: 0,
});

/** No Call ID of ours goes with a refusal. */
export const callRefused = (peerCallId: number, refusal: CallRefusal): OutgoingCallReply => ({
  kind: 'outgoing-call-reply',
  callId: 0,
  peerCallId,
  resultCode: refusal.resultCode,
  errorCode: refusal.errorCode,
  causeCode: 0,
  connectSpeed: 0,
  packetReceiveWindow: 0,
  packetProcessingDelay: 0,
  physicalChannelId: 0,
});

/** PAC: somebody calls. The numbers are what the line told, if anything. */
export const incomingCallRequest = (
  callId: number,
  callSerialNumber: number,
  { dialed = '', dialing = '' }: IncomingNumbers,
): IncomingCallRequest => ({
  kind: 'incoming-call-request',
  callId,
  callSerialNumber,
  bearerType: BEARER.digital,
  physicalChannelId: 0,
  dialedNumberLength: Math.min(dialed.length, PPTP_TEXT_OCTETS),
  dialingNumberLength: Math.min(dialing.length, PPTP_TEXT_OCTETS),
  dialedNumber: dialed,
  dialingNumber: dialing,
  subaddress: '',
});

export const incomingCallAccepted = (
  callId: number,
  peerCallId: number,
  options: ControlOptions,
): IncomingCallReply => ({
  kind: 'incoming-call-reply',
  callId,
  peerCallId,
  resultCode: INCOMING_RESULT.connect,
  errorCode: GENERAL_ERROR.none,
  packetReceiveWindow: options.receiveWindow,
  packetTransmitDelay: options.processingDelay,
});

export const incomingCallRefused = (peerCallId: number, refusal: CallRefusal): IncomingCallReply => ({
  kind: 'incoming-call-reply',
  callId: 0,
  peerCallId,
  ...refusal,
  packetReceiveWindow: 0,
  packetTransmitDelay: 0,
});

export const incomingCallConnected = (peerCallId: number, options: ControlOptions): IncomingCallConnected => ({
  kind: 'incoming-call-connected',
  peerCallId,
  connectSpeed: options.connectSpeed,
  packetReceiveWindow: options.receiveWindow,
  packetTransmitDelay: options.processingDelay,
  framingType: FRAMING.synchronous,
});

export const callDisconnected = (callId: number, reason: ClearReason): CallDisconnectNotify => ({
  kind: 'call-disconnect-notify',
  callId,
  ...DISCONNECT_CODES[reason],
  causeCode: 0,
  callStatistics: '',
});

export const wanErrorNotify = (peerCallId: number, errors: WanErrors): WanErrorNotify => ({
  kind: 'wan-error-notify',
  peerCallId,
  crcErrors: errors.crc,
  framingErrors: errors.framing,
  hardwareOverruns: errors.hardwareOverruns,
  bufferOverruns: errors.bufferOverruns,
  timeOutErrors: errors.timeOuts,
  alignmentErrors: errors.alignment,
});

export const wanErrorsOf = (m: WanErrorNotify): WanErrors => ({
  crc: m.crcErrors,
  framing: m.framingErrors,
  hardwareOverruns: m.hardwareOverruns,
  bufferOverruns: m.bufferOverruns,
  timeOuts: m.timeOutErrors,
  alignment: m.alignmentErrors,
});
