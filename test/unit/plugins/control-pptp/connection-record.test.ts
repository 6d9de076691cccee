import { describe, expect, it } from 'vitest';
import { callId } from '../../../../core/ports/ids.ts';
import { after, instant } from '../../../../core/time.ts';
import type { PptpMessage } from '../../../../core/wire/pptp-message.ts';
import { parsePptpMessage, writePptpMessage } from '../../../../core/wire/pptp-message.ts';
import { ConnectionRecord } from '../../../../plugins/control-pptp/connection-record.ts';

const OURS = callId(0x1111);
const PEERS = callId(0x2222);

const startRequest = (hostName: string): PptpMessage => ({
  kind: 'start-control-connection-request',
  protocolVersion: 0x100,
  framingCapabilities: 3,
  bearerCapabilities: 3,
  maximumChannels: 0,
  firmwareRevision: 1,
  hostName,
  vendorName: 'a\x07vendor',
});
const callRequest = (peer: number): PptpMessage => ({
  kind: 'outgoing-call-request',
  callId: peer,
  callSerialNumber: 1,
  minimumBps: 300,
  maximumBps: 1,
  bearerType: 3,
  framingType: 3,
  packetReceiveWindow: 64,
  packetProcessingDelay: 0,
  phoneNumberLength: 0,
  phoneNumber: '',
  subaddress: '',
});
const callReply = (ours: number, peer: number, resultCode = 1): PptpMessage => ({
  kind: 'outgoing-call-reply',
  callId: ours,
  peerCallId: peer,
  resultCode,
  errorCode: 0,
  causeCode: 0,
  connectSpeed: 1,
  packetReceiveWindow: 64,
  packetProcessingDelay: 0,
  physicalChannelId: 0,
});
/** As it comes off the wire. */
const received = (message: PptpMessage): PptpMessage => {
  const parsed = parsePptpMessage(writePptpMessage(message));
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
};

const bench = () => {
  let now = instant(1_000);
  const echoes: number[] = [];
  const record = new ConnectionRecord({ now: () => now, roundTrip: (milliseconds) => void echoes.push(milliseconds) });
  const wait = (milliseconds: number): void => {
    now = after(now, milliseconds);
  };
  return { record, wait, echoes };
};
const names = (control: { readonly messages: readonly { readonly name: string }[] }): string[] =>
  control.messages.map(({ name }) => name);

describe('the record of a control connection', () => {
  it('gives a call the messages that led to it, with times, results and who the peer says it is', () => {
    const { record, wait } = bench();
    record.seen('in', received(startRequest('laptop')));
    wait(5);
    record.seen('in', received(callRequest(PEERS)));
    record.seen('out', callReply(OURS, PEERS));
    expect(record.callOpened(OURS, PEERS, instant(1_000))).toEqual({
      since: 1_000,
      control: {
        messages: [
          { at: 1_000, direction: 'in', name: 'start-control-connection-request' },
          { at: 1_005, direction: 'in', name: 'outgoing-call-request' },
          {
            at: 1_005,
            direction: 'out',
            name: 'outgoing-call-reply',
            resultCode: 1,
            result: 'connected',
            errorCode: 0,
          },
        ],
        hostName: 'laptop',
        vendorName: 'a.vendor',
      },
    });
    expect(record.withoutCall(true, 'over')).toBeUndefined();
  });

  it('gives each of several calls its own, and a later one its own beginning', () => {
    const { record, wait } = bench();
    const others = [callId(3), callId(4)] as const;
    record.seen('in', received(callRequest(PEERS)));
    record.seen('out', callReply(OURS, PEERS));
    record.seen('in', received(callRequest(others[1])));
    record.seen('out', callReply(others[0], others[1]));
    expect(names(record.callOpened(OURS, PEERS, instant(0)).control)).toEqual([
      'outgoing-call-request',
      'outgoing-call-reply',
    ]);
    const second = record.callOpened(others[0], others[1], instant(0));
    expect(second.since).toBe(1_000);
    expect(names(second.control)).toEqual(['outgoing-call-request', 'outgoing-call-reply']);
    wait(60_000);
    record.seen('in', { kind: 'call-clear-request', callId: others[1] });
    record.seen('in', { kind: 'call-clear-request', callId: PEERS });
    expect(record.callClosed(OURS, PEERS).messages.map(({ at, name }) => [at, name])).toEqual([
      [61_000, 'call-clear-request'],
    ]);
    expect(names(record.callClosed(others[0], others[1]))).toEqual(['call-clear-request']);
  });

  it('keeps the latest 32, and of echoes only how long they took', () => {
    const { record, wait, echoes } = bench();
    for (let identifier = 0; identifier < 100; identifier += 1) {
      record.seen('out', { kind: 'echo-request', identifier });
      wait(20);
      record.seen('in', {
        kind: 'echo-reply',
        identifier: identifier % 2 === 0 ? identifier : 0,
        resultCode: 1,
        errorCode: 0,
      });
      record.seen('in', { kind: 'set-link-info', peerCallId: OURS, sendAccm: 0, receiveAccm: 0 });
    }
    expect(echoes).toEqual(Array.from({ length: 50 }, () => 20));
    expect(names(record.callClosed(OURS, PEERS))).toEqual(Array.from({ length: 32 }, () => 'set-link-info'));
  });

  it.each([
    ['control.bad-message', 'bad-message'],
    ['control.start-timeout', 'start-timeout'],
    ['call.refused', 'call-refused'],
    ['control.collision', 'no-call-request'],
  ])('says why there was no call: %s', (event, error) => {
    const { record } = bench();
    record.noted(event, 'because');
    expect(record.withoutCall(true, 'over')?.error).toBe(error);
  });

  it('tells a start request that got no reply from none', () => {
    const { record } = bench();
    record.seen('in', received(startRequest('other-site')));
    record.noted('control.collision', 'ours goes on');
    expect(record.withoutCall(false, 'over')).toMatchObject({
      error: 'start-unanswered',
      control: { messages: [{ direction: 'in', name: 'start-control-connection-request' }] },
    });
  });

  it('tells connections that were not established from those that wanted no call, and ours from theirs', () => {
    expect(bench().record.withoutCall(false, 'over')).toEqual({
      error: 'no-start-request',
      detail: 'over',
      control: { messages: [] },
    });
    expect(bench().record.withoutCall(true, 'over')?.error).toBe('no-call-request');
    const { record } = bench();
    record.stopped();
    expect(record.withoutCall(true, 'over')).toBeUndefined();
    record.callFailed('busy', 'Outgoing-Call-Reply: busy');
    expect(record.withoutCall(true, 'over')).toMatchObject({ error: 'busy', detail: 'Outgoing-Call-Reply: busy' });
  });
});
