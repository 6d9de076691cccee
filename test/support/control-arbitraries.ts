import fc from 'fast-check';
import type { PptpMessage } from '../../core/wire/pptp-message.ts';

export const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
/** A field text that can be read back: one octet per unit, no zero at the end. */
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(u8, { maxLength }).map((units) => String.fromCharCode(...units).replace(/\0+$/, ''));

const capabilities = {
  protocolVersion: u16,
  framingCapabilities: u32,
  bearerCapabilities: u32,
  maximumChannels: u16,
  firmwareRevision: u16,
  hostName: text(64),
  vendorName: text(64),
};
const result = { resultCode: u8, errorCode: u8 };
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

export const pptpMessages: fc.Arbitrary<PptpMessage> = fc.oneof(
  fc.record({ kind: kind('start-control-connection-request'), ...capabilities }),
  fc.record({ kind: kind('start-control-connection-reply'), ...capabilities, ...result }),
  fc.record({ kind: kind('stop-control-connection-request'), reason: u8 }),
  fc.record({ kind: kind('stop-control-connection-reply'), ...result }),
  fc.record({ kind: kind('echo-request'), identifier: u32 }),
  fc.record({ kind: kind('echo-reply'), identifier: u32, ...result }),
  fc.record({
    kind: kind('outgoing-call-request'),
    callId: u16,
    callSerialNumber: u16,
    minimumBps: u32,
    maximumBps: u32,
    bearerType: u32,
    framingType: u32,
    packetReceiveWindow: u16,
    packetProcessingDelay: u16,
    phoneNumberLength: u16,
    phoneNumber: text(64),
    subaddress: text(64),
  }),
  fc.record({
    kind: kind('outgoing-call-reply'),
    callId: u16,
    peerCallId: u16,
    ...result,
    causeCode: u16,
    connectSpeed: u32,
    packetReceiveWindow: u16,
    packetProcessingDelay: u16,
    physicalChannelId: u32,
  }),
  fc.record({
    kind: kind('incoming-call-request'),
    callId: u16,
    callSerialNumber: u16,
    bearerType: u32,
    physicalChannelId: u32,
    dialedNumberLength: u16,
    dialingNumberLength: u16,
    dialedNumber: text(64),
    dialingNumber: text(64),
    subaddress: text(64),
  }),
  fc.record({
    kind: kind('incoming-call-reply'),
    callId: u16,
    peerCallId: u16,
    ...result,
    packetReceiveWindow: u16,
    packetTransmitDelay: u16,
  }),
  fc.record({
    kind: kind('incoming-call-connected'),
    peerCallId: u16,
    connectSpeed: u32,
    packetReceiveWindow: u16,
    packetTransmitDelay: u16,
    framingType: u32,
  }),
  fc.record({ kind: kind('call-clear-request'), callId: u16 }),
  fc.record({
    kind: kind('call-disconnect-notify'),
    callId: u16,
    ...result,
    causeCode: u16,
    callStatistics: text(128),
  }),
  fc.record({
    kind: kind('wan-error-notify'),
    peerCallId: u16,
    crcErrors: u32,
    framingErrors: u32,
    hardwareOverruns: u32,
    bufferOverruns: u32,
    timeOutErrors: u32,
    alignmentErrors: u32,
  }),
  fc.record({ kind: kind('set-link-info'), peerCallId: u16, sendAccm: u32, receiveAccm: u32 }),
);

/** `bytes` cut into segments of these lengths, the rest in one; empty segments stay in. */
export const segmentsOf = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const segments: Uint8Array[] = [];
  let at = 0;
  for (const cut of cuts) {
    segments.push(bytes.subarray(at, at + cut));
    at = Math.min(bytes.length, at + cut);
  }
  segments.push(bytes.subarray(at));
  return segments;
};
