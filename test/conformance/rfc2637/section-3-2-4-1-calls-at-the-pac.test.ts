import { describe, expect, test } from 'vitest';
import { DISCONNECT_CODES } from '../../../core/machine/pptp-clear-codes.ts';
import { CLEAR_REASONS } from '../../../core/ports/control.ts';
import { callId } from '../../../core/ports/ids.ts';
import {
  CLIENT_CALL,
  callReply,
  callRequest,
  disconnect,
  establishedServer,
  told,
  withCall,
} from '../../support/control-rig.ts';

describe('RFC 2637 sections 2.7, 2.8 and 3.2.4.1: outgoing calls at the PAC', () => {
  test('a call opens before the reply is sent; the reply has our ID, the peer’s ID and result 1', () => {
    const rig = establishedServer();
    const effects = rig.receives(callRequest(CLIENT_CALL, { packetReceiveWindow: 3, packetProcessingDelay: 2 }));
    expect(effects.map((effect) => effect.kind)).toEqual(['call-opened', 'send']);
    const opened = rig.all('call-opened')[0];
    expect(opened).toMatchObject({ peerCallId: CLIENT_CALL, window: 3, processingDelay: 2, serial: 1 });
    expect(opened?.localCallId).not.toBe(0);
    expect(rig.sent).toEqual([
      {
        kind: 'outgoing-call-reply',
        callId: opened?.localCallId,
        peerCallId: CLIENT_CALL,
        resultCode: 1,
        errorCode: 0,
        causeCode: 0,
        connectSpeed: 100_000_000,
        packetReceiveWindow: 64,
        packetProcessingDelay: 0,
        physicalChannelId: 0,
      },
    ]);
  });

  test('the connect speed is not above what the peer asked for', () => {
    const rig = establishedServer();
    rig.receives(callRequest(1, { maximumBps: 64_000 }), callRequest(2, { maximumBps: 0 }));
    expect(rig.sent).toMatchObject([{ connectSpeed: 64_000 }, { connectSpeed: 100_000_000 }]);
  });

  test('several calls on one connection have Call IDs of their own and end one by one', () => {
    const rig = establishedServer();
    rig.receives(callRequest(1), callRequest(2), callRequest(0));
    const ids = rig.all('call-opened').map((call) => call.localCallId);
    expect(new Set(ids).size).toBe(3);
    rig.receives({ kind: 'call-clear-request', callId: 2 });
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: ids[1], peerCallId: 2, reason: 'peer-request' }]);
    expect(rig.machine.callCount).toBe(2);
  });

  test('bearer, framing, phone number and a binary subaddress of any kind are accepted', () => {
    const rig = establishedServer();
    rig.receives(callRequest(1, { bearerType: 99, framingType: 0, phoneNumber: '\xff', subaddress: '\x01\0\x02' }));
    expect(rig.sent).toMatchObject([{ resultCode: 1 }]);
  });

  describe('refusals', () => {
    test('over the limit of calls: general error, no resource', () => {
      const rig = establishedServer({ options: { maxCalls: 1 } });
      rig.receives(callRequest(1), callRequest(2));
      expect(rig.sent[1]).toMatchObject({ callId: 0, peerCallId: 2, resultCode: 2, errorCode: 4 });
      expect(rig.all('call-opened')).toHaveLength(1);
      expect(rig.all('note')).toMatchObject([{ event: 'call.refused' }]);
    });

    test('calls opened and cleared without end: after a burst no resource, and a minute later again', () => {
      const rig = establishedServer({ options: { maxCalls: 4 } });
      const churn = (): number => {
        rig.effects.length = 0;
        for (let i = 0; i < 500; i += 1) rig.receives(callRequest(1), { kind: 'call-clear-request', callId: 1 });
        return rig.all('call-opened').length;
      };
      expect(churn()).toBe(64);
      expect(rig.sent.at(-1)).toMatchObject({ kind: 'outgoing-call-reply', resultCode: 2, errorCode: 4 });
      rig.at(30_000);
      expect(churn()).toBe(0);
      rig.at(60_000);
      expect(churn()).toBe(64);
      expect(rig.machine.state).toBe('established');
    });

    test('no Call ID free: general error, no resource', () => {
      const rig = establishedServer({ callIds: { allocate: () => undefined, release: () => undefined } });
      rig.receives(callRequest(1));
      expect(rig.sent).toMatchObject([{ resultCode: 2, errorCode: 4 }]);
      expect(rig.machine.callCount).toBe(0);
    });

    test('the Call ID of a live call again: general error, bad Call ID; the live call stays', () => {
      const rig = establishedServer();
      rig.receives(callRequest(1), callRequest(1));
      expect(rig.sent[1]).toMatchObject({ resultCode: 2, errorCode: 5 });
      expect(rig.all('call-closed')).toEqual([]);
    });

    test('refuse-calls: do not accept; live calls stay', () => {
      const rig = establishedServer();
      rig.receives(callRequest(1));
      rig.input({ kind: 'refuse-calls' });
      rig.receives(callRequest(2));
      expect(rig.sent[1]).toMatchObject({ resultCode: 7, errorCode: 0 });
      expect(rig.machine.callCount).toBe(1);
    });

    test('the gateway decides: its codes are sent', () => {
      const rig = establishedServer({ admit: () => ({ resultCode: 4, errorCode: 0 }) });
      rig.receives(callRequest(1));
      expect(rig.sent).toMatchObject([{ resultCode: 4 }]);
    });
  });
});

describe('RFC 2637 sections 2.12 and 2.13: clearing at the PAC', () => {
  test('CCR with the peer’s ID is answered by one CDN with our ID and result 4', () => {
    const { rig, id } = withCall();
    rig.receives({ kind: 'call-clear-request', callId: CLIENT_CALL });
    expect(rig.sent).toEqual([disconnect(id, 4)]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-closed', localCallId: id, reason: 'peer-request' }]);
    rig.receives({ kind: 'call-clear-request', callId: CLIENT_CALL });
    expect(rig.sent).toHaveLength(1);
    expect(rig.all('note')).toMatchObject([{ event: 'call.unknown', level: 'debug' }]);
    expect(rig.all('close')).toEqual([]);
  });

  test('CCR with our own ID in it means no call', () => {
    const { rig, id } = withCall();
    rig.receives({ kind: 'call-clear-request', callId: id });
    expect(rig.sent).toEqual([]);
    expect(rig.machine.callCount).toBe(1);
  });

  for (const reason of CLEAR_REASONS) {
    test(`cleared by us (${reason}): one CDN with the codes of the table, even if a CCR crosses it`, () => {
      const { rig, id } = withCall();
      rig.input({ kind: 'clear-call', localCallId: id, reason, detail: 'why' });
      rig.receives({ kind: 'call-clear-request', callId: CLIENT_CALL });
      rig.input({ kind: 'clear-call', localCallId: id, reason, detail: 'again' });
      expect(rig.sent).toEqual([{ ...disconnect(id), ...DISCONNECT_CODES[reason] }]);
      expect(rig.all('call-closed')).toMatchObject([{ reason, detail: 'why' }]);
    });
  }

  test('the table uses only codes of the RFC, and an error code only with a general error', () => {
    for (const { resultCode, errorCode } of Object.values(DISCONNECT_CODES)) {
      expect([1, 2, 3, 4]).toContain(resultCode);
      expect(errorCode !== 0).toBe(resultCode === 2);
    }
  });

  test('a CDN from a client is taken as the end of its call and not answered', () => {
    const { rig, id } = withCall();
    rig.receives(disconnect(CLIENT_CALL));
    expect(rig.sent).toEqual([]);
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: id, reason: 'peer-disconnect' }]);
  });

  test('a cleared Call ID is not used again by the next call', () => {
    const { rig, id } = withCall();
    rig.receives({ kind: 'call-clear-request', callId: CLIENT_CALL }, callRequest(CLIENT_CALL));
    expect(rig.all('call-opened')[0]?.localCallId).not.toBe(id);
  });

  test('Stop by the peer ends every call without CDN', () => {
    const rig = establishedServer();
    rig.receives(callRequest(1), callRequest(2));
    rig.effects.length = 0;
    rig.receives({ kind: 'stop-control-connection-request', reason: 1 });
    expect(rig.sent.map((m) => m.kind)).toEqual(['stop-control-connection-reply']);
    expect(told(rig.effects).map((e) => e.kind)).toEqual(['call-closed', 'call-closed', 'close']);
  });

  test('Stop by us: a CDN for every call, then the request', () => {
    const rig = establishedServer();
    rig.receives(callRequest(1), callRequest(2));
    rig.effects.length = 0;
    rig.input({ kind: 'stop', reason: 'shutdown' });
    expect(rig.sent).toMatchObject([
      { kind: 'call-disconnect-notify', resultCode: 3 },
      { kind: 'call-disconnect-notify', resultCode: 3 },
      { kind: 'stop-control-connection-request', reason: 3 },
    ]);
    expect(rig.all('call-closed').map((c) => c.reason)).toEqual(['shutdown', 'shutdown']);
  });

  test('the end of TCP ends every call and gives the Call IDs back', () => {
    const released: number[] = [];
    let next = 10;
    const rig = establishedServer({
      callIds: { allocate: () => callId(next++), release: (id) => released.push(id) },
    });
    rig.receives(callRequest(1), callRequest(2));
    rig.input({ kind: 'closed', detail: 'reset' });
    rig.input({ kind: 'closed', detail: 'reset' });
    expect(rig.all('call-closed').map((c) => c.reason)).toEqual(['control-lost', 'control-lost']);
    expect(rig.all('close')).toHaveLength(1);
    expect(released).toEqual([10, 11]);
  });

  test('messages for calls that do not exist are noted and change nothing', () => {
    const { rig } = withCall();
    rig.receives(
      { kind: 'call-clear-request', callId: 1 },
      disconnect(2),
      { kind: 'set-link-info', peerCallId: 3, sendAccm: 0, receiveAccm: 0 },
      callReply(4, 5),
      {
        kind: 'incoming-call-connected',
        peerCallId: 6,
        connectSpeed: 0,
        packetReceiveWindow: 0,
        packetTransmitDelay: 0,
        framingType: 1,
      },
      {
        kind: 'incoming-call-reply',
        callId: 7,
        peerCallId: 8,
        resultCode: 1,
        errorCode: 0,
        packetReceiveWindow: 0,
        packetTransmitDelay: 0,
      },
    );
    expect(rig.all('note').map((n) => n.event)).toEqual(Array(6).fill('call.unknown'));
    expect(told(rig.effects)).toEqual([]);
    expect(rig.sent).toEqual([]);
  });
});
