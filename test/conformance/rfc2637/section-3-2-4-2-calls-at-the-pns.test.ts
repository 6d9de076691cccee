import { describe, expect, test } from 'vitest';
import type { CallId } from '../../../core/ports/ids.ts';
import {
  type ControlRig,
  callReply,
  callRequest,
  disconnect,
  establishedClient,
  placeCall,
  placingCall,
  SERVER_CALL,
  sentBy,
  told,
  withPlacedCall,
} from '../../support/control-rig.ts';

describe('RFC 2637 section 3.2.4.2: outgoing calls at the PNS', () => {
  test('places a call and opens it with both IDs', () => {
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 42, phoneNumber: '123' });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    expect(request).toMatchObject({ bearerType: 3, framingType: 3, phoneNumberLength: 3, phoneNumber: '123' });
    expect(told(rig.effects)).toEqual([]);
    rig.receives(callReply(SERVER_CALL, request.callId));
    expect(told(rig.effects)).toMatchObject([
      { kind: 'call-opened', tag: 42, localCallId: request.callId, peerCallId: SERVER_CALL, window: 16_384 },
    ]);
  });

  test.each([
    [2, 4, 'general-error'],
    [3, 0, 'no-carrier'],
    [4, 0, 'busy'],
    [5, 0, 'no-dial-tone'],
    [6, 0, 'time-out'],
    [7, 0, 'do-not-accept'],
    [0, 0, 'unknown-result'],
    [200, 9, 'unknown-result'],
  ])('result %i, error %i is the refusal %s', (resultCode, errorCode, result) => {
    const { rig, id } = placingCall();
    rig.receives(callReply(0, id, { resultCode, errorCode, causeCode: 17 }));
    expect(told(rig.effects)).toMatchObject([
      { kind: 'call-failed', tag: 1, result, resultCode, errorCode, causeCode: 17 },
    ]);
    expect(rig.machine.callCount).toBe(0);
  });

  test('a reply that names another call answers nothing', () => {
    const { rig, id } = placingCall();
    rig.receives(callReply(SERVER_CALL, id ^ 1));
    expect(told(rig.effects)).toEqual([]);
    expect(rig.all('note')).toMatchObject([{ event: 'call.unknown' }]);
  });

  test('a second reply to an open call changes nothing', () => {
    const { rig, id } = withPlacedCall();
    rig.receives(callReply(9, id), callReply(9, id, { resultCode: 4 }));
    expect(told(rig.effects)).toEqual([]);
    expect(rig.machine.callCount).toBe(1);
  });

  test('two calls with one Call ID of the server: the second is cleared', () => {
    const { rig } = withPlacedCall();
    const id = placeCall(rig, 2);
    rig.receives(callReply(SERVER_CALL, id));
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 2 }]);
    expect(rig.sent[1]).toEqual({ kind: 'call-clear-request', callId: id });
  });

  test('clearing: CCR with our ID, told at once, over with the CDN', () => {
    const { rig, id } = withPlacedCall();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'idle', detail: 'd' });
    expect(rig.sent).toEqual([{ kind: 'call-clear-request', callId: id }]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-closed', reason: 'idle' }]);
    expect(rig.machine.callCount).toBe(1);
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'shutdown', detail: 'again' });
    expect(rig.sent).toHaveLength(1);
    rig.receives(disconnect(SERVER_CALL));
    expect(rig.machine.callCount).toBe(0);
    expect(told(rig.effects)).toHaveLength(1);
  });

  test.each([
    ['the server’s own, as the RFC has it', () => SERVER_CALL],
    ['ours, as accel-ppp has it', (id: CallId) => id],
  ])('a CDN may carry %s Call ID; result 0 of Windows is fine', (_, idIn) => {
    const { rig, id } = withPlacedCall();
    rig.receives(disconnect(idIn(id), 0));
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: id, reason: 'peer-disconnect' }]);
    expect(rig.all('note')).toEqual([]);
    expect(rig.sent).toEqual([]);
  });

  test('an unknown CDN result is noted', () => {
    const { rig } = withPlacedCall();
    rig.receives(disconnect(SERVER_CALL, 200));
    expect(rig.all('note')).toMatchObject([{ event: 'call.unknown-code', fields: { resultCode: 200 } }]);
    expect(rig.all('call-closed')[0]?.detail).toContain('unknown code 200');
  });

  test('cleared before the reply: the CDN has an ID we never heard of', () => {
    const { rig, id } = placingCall();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'administrative', detail: 'd' });
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 1, result: 'administrative' }]);
    rig.receives(disconnect(0x5555));
    expect(rig.machine.callCount).toBe(0);
    expect(told(rig.effects)).toHaveLength(1);
  });

  test('cleared while the reply is on its way: no call opens, the CDN ends it', () => {
    const { rig, id } = placingCall();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'administrative', detail: 'd' });
    rig.receives(callReply(SERVER_CALL, id), disconnect(SERVER_CALL));
    expect(rig.all('call-opened')).toEqual([]);
    expect(rig.machine.callCount).toBe(0);
  });

  test.each([
    ['no control connection', (rig: ControlRig) => rig.input({ kind: 'closed', detail: 'gone' }), 'not-connected'],
    ['refuse-calls', (rig: ControlRig) => rig.input({ kind: 'refuse-calls' }), 'refused'],
  ])('placing a call fails by name: %s', (_, prepare, result) => {
    const rig = establishedClient();
    prepare(rig);
    rig.input({ kind: 'place-call', tag: 3 });
    expect(rig.all('call-failed')).toMatchObject([{ tag: 3, result }]);
  });

  test('a request for a call from the server is refused', () => {
    const rig = establishedClient();
    rig.receives(callRequest(1));
    expect(rig.sent).toMatchObject([{ kind: 'outgoing-call-reply', resultCode: 7 }]);
  });

  test('stopping clears every call first, also those that are not answered yet', () => {
    const { rig } = withPlacedCall();
    rig.input({ kind: 'place-call', tag: 2 });
    rig.effects.length = 0;
    rig.input({ kind: 'stop', reason: 'none' });
    expect(rig.sent.map((m) => m.kind)).toEqual([
      'call-clear-request',
      'call-clear-request',
      'stop-control-connection-request',
    ]);
    expect(told(rig.effects).map((e) => e.kind)).toEqual(['call-closed', 'call-failed']);
  });
});

describe('RFC 2637 section 3.2.1: a call that is stuck ends the whole control connection', () => {
  test('no reply to Outgoing-Call-Request in 90 s', () => {
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 1 });
    const keepAlive = (ms: number): void => {
      for (const message of sentBy(rig.at(ms))) {
        if (message.kind === 'echo-request')
          rig.receives({ ...message, kind: 'echo-reply', resultCode: 1, errorCode: 0 });
      }
    };
    keepAlive(60_000);
    keepAlive(89_999);
    expect(rig.all('close')).toEqual([]);
    keepAlive(90_000);
    expect(told(rig.effects)).toMatchObject([
      { kind: 'call-failed', tag: 1 },
      { kind: 'close', abort: true },
    ]);
  });

  test('no CDN in 60 s', () => {
    const { rig, id } = withPlacedCall();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'idle', detail: 'd' });
    rig.at(59_999);
    expect(rig.all('close')).toEqual([]);
    rig.at(60_000);
    expect(rig.all('close')).toHaveLength(1);
    expect(rig.all('call-closed')).toHaveLength(1);
  });
});
