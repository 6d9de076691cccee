import { describe, expect, test } from 'vitest';
import {
  CLIENT_CALL,
  callRequest,
  establishedServer,
  SERVER_CALL,
  told,
  withCall,
  withPlacedCall,
} from '../../support/control-rig.ts';

const ERRORS = { crc: 1, framing: 2, hardwareOverruns: 3, bufferOverruns: 4, timeOuts: 5, alignment: 6 };

describe('RFC 2637 section 2.14: WAN-Error-Notify', () => {
  test('the PAC sends the counters with the peer’s ID, only when they changed', () => {
    const { rig, id } = withCall();
    rig.input({ kind: 'wan-error', localCallId: id, errors: ERRORS });
    expect(rig.sent).toEqual([
      {
        kind: 'wan-error-notify',
        peerCallId: CLIENT_CALL,
        crcErrors: 1,
        framingErrors: 2,
        hardwareOverruns: 3,
        bufferOverruns: 4,
        timeOutErrors: 5,
        alignmentErrors: 6,
      },
    ]);
    rig.input({ kind: 'wan-error', localCallId: id, errors: { ...ERRORS } });
    rig.at(59_000);
    expect(rig.sent).toHaveLength(1);
  });

  test('at most one in 60 s for a call, and then with the newest counters', () => {
    const { rig, id } = withCall();
    rig.input({ kind: 'wan-error', localCallId: id, errors: ERRORS });
    rig.at(1000);
    for (let crc = 2; crc < 50; crc += 1) rig.input({ kind: 'wan-error', localCallId: id, errors: { ...ERRORS, crc } });
    const wan = () => rig.sent.filter((m) => m.kind === 'wan-error-notify');
    rig.at(59_999);
    expect(wan()).toHaveLength(1);
    rig.at(60_000);
    expect(wan()).toMatchObject([{ crcErrors: 1 }, { crcErrors: 49 }]);
  });

  test('calls are counted apart', () => {
    const rig = establishedServer();
    rig.receives(callRequest(1), callRequest(2));
    for (const call of rig.all('call-opened')) {
      rig.input({ kind: 'wan-error', localCallId: call.localCallId, errors: ERRORS });
    }
    expect(rig.sent.slice(2)).toMatchObject([{ peerCallId: 1 }, { peerCallId: 2 }]);
  });

  test('nothing is sent for a call that has ended', () => {
    const { rig, id } = withCall();
    rig.receives({ kind: 'call-clear-request', callId: CLIENT_CALL });
    rig.input({ kind: 'wan-error', localCallId: id, errors: ERRORS });
    expect(rig.sent).toHaveLength(1);
  });

  test('the PNS reports what it receives', () => {
    const { rig, id } = withPlacedCall();
    rig.receives({
      kind: 'wan-error-notify',
      peerCallId: id,
      crcErrors: 1,
      framingErrors: 2,
      hardwareOverruns: 3,
      bufferOverruns: 4,
      timeOutErrors: 5,
      alignmentErrors: 6,
    });
    expect(told(rig.effects)).toEqual([{ kind: 'wan-errors', localCallId: id, errors: ERRORS }]);
  });
});

describe('RFC 2637 section 2.15: Set-Link-Info', () => {
  test.each([
    ['the PAC', withCall],
    ['the PNS (the RFC has it from the PNS only)', withPlacedCall],
  ])('%s reports it, at any time of the call', (_, make) => {
    const { rig, id } = make();
    rig.receives({ kind: 'set-link-info', peerCallId: id, sendAccm: 0xffffffff, receiveAccm: 0x000a0000 });
    expect(told(rig.effects)).toMatchObject([
      { kind: 'link-info', localCallId: id, sendAccm: 0xffffffff, receiveAccm: 0x000a0000 },
    ]);
    expect(rig.machine.callCount).toBe(1);
  });

  test('the PNS sends it with the peer’s ID; the PAC never does', () => {
    const client = withPlacedCall();
    const server = withCall();
    for (const { rig, id } of [client, server]) {
      rig.input({ kind: 'set-link-info', localCallId: id, sendAccm: 1, receiveAccm: 2 });
    }
    expect(client.rig.sent).toEqual([{ kind: 'set-link-info', peerCallId: SERVER_CALL, sendAccm: 1, receiveAccm: 2 }]);
    expect(server.rig.sent).toEqual([]);
  });
});
