import { describe, expect, test } from 'vitest';
import { DISCONNECT_CODES } from '../../../core/machine/pptp-clear-codes.ts';
import { CLEAR_REASONS } from '../../../core/ports/control.ts';
import { type CallId, callId } from '../../../core/ports/ids.ts';
import {
  type ControlRig,
  callReply,
  callRequest,
  disconnect,
  establishedClient,
  establishedServer,
  type RigOptions,
  sentBy,
  told,
} from '../../support/control-rig.ts';

const PEER_ID = callId(0xfaea);
const ERRORS = { crc: 1, framing: 2, hardwareOverruns: 3, bufferOverruns: 4, timeOuts: 5, alignment: 6 };

/** A server with one call from a peer that calls it 0xFAEA. */
const withCall = (init: RigOptions = {}): { rig: ControlRig; id: CallId } => {
  const rig = establishedServer(init);
  rig.receives(callRequest(PEER_ID));
  const opened = rig.all('call-opened')[0];
  if (opened === undefined) throw new Error('the call did not open');
  rig.effects.length = 0;
  return { rig, id: opened.localCallId };
};

/** A client whose call the server calls 0xE40A. */
const SERVER_ID = callId(0xe40a);
const withPlacedCall = (): { rig: ControlRig; id: CallId } => {
  const rig = establishedClient();
  rig.input({ kind: 'place-call', tag: 1 });
  const [request] = rig.sent;
  if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
  rig.receives(callReply(SERVER_ID, request.callId));
  rig.effects.length = 0;
  return { rig, id: callId(request.callId) };
};

describe('RFC 2637 sections 2.7, 2.8 and 3.2.4.1: outgoing calls at the PAC', () => {
  test('a call opens before the reply is sent; the reply has our ID, the peer’s ID and result 1', () => {
    const rig = establishedServer();
    const effects = rig.receives(callRequest(PEER_ID, { packetReceiveWindow: 3, packetProcessingDelay: 2 }));
    expect(effects.map((effect) => effect.kind)).toEqual(['call-opened', 'send']);
    const opened = rig.all('call-opened')[0];
    expect(opened).toMatchObject({ peerCallId: PEER_ID, window: 3, processingDelay: 2, serial: 1 });
    expect(opened?.localCallId).not.toBe(0);
    expect(rig.sent).toEqual([
      {
        kind: 'outgoing-call-reply',
        callId: opened?.localCallId,
        peerCallId: PEER_ID,
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
    rig.receives({ kind: 'call-clear-request', callId: PEER_ID });
    expect(rig.sent).toEqual([disconnect(id, 4)]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-closed', localCallId: id, reason: 'peer-request' }]);
    rig.receives({ kind: 'call-clear-request', callId: PEER_ID });
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
      rig.receives({ kind: 'call-clear-request', callId: PEER_ID });
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
    rig.receives(disconnect(PEER_ID));
    expect(rig.sent).toEqual([]);
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: id, reason: 'peer-disconnect' }]);
  });

  test('a cleared Call ID is not used again by the next call', () => {
    const { rig, id } = withCall();
    rig.receives({ kind: 'call-clear-request', callId: PEER_ID }, callRequest(PEER_ID));
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

describe('RFC 2637 sections 2.9 and 2.10: incoming calls', () => {
  test.each([
    ['server', establishedServer],
    ['client', establishedClient],
  ])('are refused with "do not accept" (%s)', (_, established) => {
    const rig = established();
    rig.receives({
      kind: 'incoming-call-request',
      callId: 77,
      callSerialNumber: 1,
      bearerType: 1,
      physicalChannelId: 0,
      dialedNumberLength: 0,
      dialingNumberLength: 0,
      dialedNumber: '',
      dialingNumber: '',
      subaddress: '',
    });
    expect(rig.sent).toMatchObject([{ kind: 'incoming-call-reply', callId: 0, peerCallId: 77, resultCode: 3 }]);
    expect(rig.all('close')).toEqual([]);
  });
});

describe('RFC 2637 section 2.14: WAN-Error-Notify', () => {
  test('the PAC sends the counters with the peer’s ID, only when they changed', () => {
    const { rig, id } = withCall();
    rig.input({ kind: 'wan-error', localCallId: id, errors: ERRORS });
    expect(rig.sent).toEqual([
      {
        kind: 'wan-error-notify',
        peerCallId: PEER_ID,
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
    rig.receives({ kind: 'call-clear-request', callId: PEER_ID });
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
    expect(client.rig.sent).toEqual([{ kind: 'set-link-info', peerCallId: SERVER_ID, sendAccm: 1, receiveAccm: 2 }]);
    expect(server.rig.sent).toEqual([]);
  });
});

describe('RFC 2637 section 3.2.4.2: outgoing calls at the PNS', () => {
  test('places a call and opens it with both IDs', () => {
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 42, phoneNumber: '123' });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    expect(request).toMatchObject({ bearerType: 3, framingType: 3, phoneNumberLength: 3, phoneNumber: '123' });
    expect(told(rig.effects)).toEqual([]);
    rig.receives(callReply(SERVER_ID, request.callId));
    expect(told(rig.effects)).toMatchObject([
      { kind: 'call-opened', tag: 42, localCallId: request.callId, peerCallId: SERVER_ID, window: 16_384 },
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
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 1 });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    rig.receives(callReply(0, request.callId, { resultCode, errorCode, causeCode: 17 }));
    expect(told(rig.effects)).toMatchObject([
      { kind: 'call-failed', tag: 1, result, resultCode, errorCode, causeCode: 17 },
    ]);
    expect(rig.machine.callCount).toBe(0);
  });

  test('a reply that names another call answers nothing', () => {
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 1 });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    rig.receives(callReply(SERVER_ID, request.callId ^ 1));
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
    rig.input({ kind: 'place-call', tag: 2 });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    rig.receives(callReply(SERVER_ID, request.callId));
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 2 }]);
    expect(rig.sent[1]).toEqual({ kind: 'call-clear-request', callId: request.callId });
  });

  test('clearing: CCR with our ID, told at once, over with the CDN', () => {
    const { rig, id } = withPlacedCall();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'idle', detail: 'd' });
    expect(rig.sent).toEqual([{ kind: 'call-clear-request', callId: id }]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-closed', reason: 'idle' }]);
    expect(rig.machine.callCount).toBe(1);
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'shutdown', detail: 'again' });
    expect(rig.sent).toHaveLength(1);
    rig.receives(disconnect(SERVER_ID));
    expect(rig.machine.callCount).toBe(0);
    expect(told(rig.effects)).toHaveLength(1);
  });

  test.each([
    ['the server’s own, as the RFC has it', () => SERVER_ID],
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
    rig.receives(disconnect(SERVER_ID, 200));
    expect(rig.all('note')).toMatchObject([{ event: 'call.unknown-code', fields: { resultCode: 200 } }]);
    expect(rig.all('call-closed')[0]?.detail).toContain('unknown code 200');
  });

  test('cleared before the reply: the CDN has an ID we never heard of', () => {
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 1 });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    rig.input({ kind: 'clear-call', localCallId: callId(request.callId), reason: 'administrative', detail: 'd' });
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 1, result: 'administrative' }]);
    rig.receives(disconnect(0x5555));
    expect(rig.machine.callCount).toBe(0);
    expect(told(rig.effects)).toHaveLength(1);
  });

  test('cleared while the reply is on its way: no call opens, the CDN ends it', () => {
    const rig = establishedClient();
    rig.input({ kind: 'place-call', tag: 1 });
    const [request] = rig.sent;
    if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
    rig.input({ kind: 'clear-call', localCallId: callId(request.callId), reason: 'administrative', detail: 'd' });
    rig.receives(callReply(SERVER_ID, request.callId), disconnect(SERVER_ID));
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
