import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import { CONTROL_TYPE, newControlMessage } from './pptp-message-fields.ts';

/** RFC 2637 section 2.14, 40 octets. Counters since the call began; `peerCallId` is the receiver's (PNS). */
export interface WanErrorNotify {
  readonly kind: 'wan-error-notify';
  readonly peerCallId: number;
  readonly crcErrors: number;
  readonly framingErrors: number;
  readonly hardwareOverruns: number;
  readonly bufferOverruns: number;
  readonly timeOutErrors: number;
  readonly alignmentErrors: number;
}

/** RFC 2637 section 2.15, 24 octets. `peerCallId` is the receiver's (PAC). */
export interface SetLinkInfo {
  readonly kind: 'set-link-info';
  readonly peerCallId: number;
  readonly sendAccm: number;
  readonly receiveAccm: number;
}

export type LinkMessage = WanErrorNotify | SetLinkInfo;

/** Body of a message whose header was checked. Reserved fields are not looked at. */
export const parseWanErrorNotify = (b: Uint8Array): WanErrorNotify => ({
  kind: 'wan-error-notify',
  peerCallId: readU16(b, 12),
  crcErrors: readU32(b, 16),
  framingErrors: readU32(b, 20),
  hardwareOverruns: readU32(b, 24),
  bufferOverruns: readU32(b, 28),
  timeOutErrors: readU32(b, 32),
  alignmentErrors: readU32(b, 36),
});

export const parseSetLinkInfo = (b: Uint8Array): SetLinkInfo => ({
  kind: 'set-link-info',
  peerCallId: readU16(b, 12),
  sendAccm: readU32(b, 16),
  receiveAccm: readU32(b, 20),
});

export const writeLinkMessage = (m: LinkMessage): Uint8Array => {
  switch (m.kind) {
    case 'wan-error-notify': {
      const out = newControlMessage(CONTROL_TYPE.wanErrorNotify);
      writeU16(out, 12, m.peerCallId);
      writeU32(out, 16, m.crcErrors);
      writeU32(out, 20, m.framingErrors);
      writeU32(out, 24, m.hardwareOverruns);
      writeU32(out, 28, m.bufferOverruns);
      writeU32(out, 32, m.timeOutErrors);
      writeU32(out, 36, m.alignmentErrors);
      return out;
    }
    case 'set-link-info': {
      const out = newControlMessage(CONTROL_TYPE.setLinkInfo);
      writeU16(out, 12, m.peerCallId);
      writeU32(out, 16, m.sendAccm);
      writeU32(out, 20, m.receiveAccm);
      return out;
    }
  }
};
