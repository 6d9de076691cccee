import { describe, expect, test } from 'vitest';
import { type CallId, callId } from '../../../core/ports/ids.ts';
import { type PptpMessage, parsePptpMessage } from '../../../core/wire/pptp-message.ts';
import {
  ControlRig,
  callRequest,
  disconnect,
  establishedClient,
  establishedServer,
  startReply,
  told,
} from '../../support/control-rig.ts';

const PAC_ID = callId(77);
const PNS_ID = callId(0x4d2);

const request = (id: number = PAC_ID) =>
  ({
    kind: 'incoming-call-request',
    callId: id,
    callSerialNumber: 9,
    bearerType: 1,
    physicalChannelId: 0,
    dialedNumberLength: 3,
    dialingNumberLength: 4,
    dialedNumber: '100',
    dialingNumber: '4711',
    subaddress: '',
  }) as const;

const reply = (peerCallId: number, changes: Partial<Extract<PptpMessage, { kind: 'incoming-call-reply' }>> = {}) =>
  ({
    kind: 'incoming-call-reply',
    callId: PNS_ID,
    peerCallId,
    resultCode: 1,
    errorCode: 0,
    packetReceiveWindow: 16,
    packetTransmitDelay: 5,
    ...changes,
  }) as const;

const connected = (peerCallId: number) =>
  ({
    kind: 'incoming-call-connected',
    peerCallId,
    connectSpeed: 64_000,
    packetReceiveWindow: 32,
    packetTransmitDelay: 2,
    framingType: 1,
  }) as const;

const accepting = { options: { acceptIncomingCalls: true } };

/** A client that has accepted the PAC's call 77 and waits for it to be connected. */
const waiting = (): { rig: ControlRig; id: CallId } => {
  const rig = establishedClient(accepting);
  rig.receives(request());
  const [answer] = rig.sent;
  if (answer?.kind !== 'incoming-call-reply') throw new Error('no reply');
  rig.effects.length = 0;
  return { rig, id: callId(answer.callId) };
};

/** A server that has announced a call with tag 1. */
const announced = (): { rig: ControlRig; id: CallId } => {
  const rig = establishedServer();
  rig.input({ kind: 'place-incoming-call', tag: 1, numbers: { dialed: '100', dialing: '4711' } });
  const [message] = rig.sent;
  if (message?.kind !== 'incoming-call-request') throw new Error('no request');
  return { rig, id: callId(message.callId) };
};

describe('RFC 2637 section 3.2.3.2: incoming calls at the PNS', () => {
  test('the request is accepted with our window, and the call opens when the PAC says that it is connected', () => {
    const rig = establishedClient(accepting);
    rig.receives(request());
    const [answer] = rig.sent;
    expect(answer).toMatchObject({
      kind: 'incoming-call-reply',
      peerCallId: PAC_ID,
      resultCode: 1,
      errorCode: 0,
      packetReceiveWindow: 64,
      packetTransmitDelay: 0,
    });
    expect(told(rig.effects)).toEqual([]);
    const id = answer?.kind === 'incoming-call-reply' ? answer.callId : 0;
    expect(id).not.toBe(0);
    rig.receives(connected(id));
    expect(told(rig.effects)).toEqual([
      {
        kind: 'call-opened',
        localCallId: id,
        peerCallId: PAC_ID,
        window: 32,
        processingDelay: 2,
        serial: 9,
        connectSpeed: 64_000,
        tag: undefined,
      },
    ]);
    expect(rig.sent).toHaveLength(1);
  });

  test('said twice, or of a call that is none, connected changes nothing', () => {
    const { rig, id } = waiting();
    rig.receives(connected(id), connected(id), connected(id ^ 1));
    expect(rig.all('call-opened')).toHaveLength(1);
    expect(rig.all('note').map((note) => note.event)).toEqual(['call.unexpected', 'call.unknown']);
    expect(rig.machine.state).toBe('established');
  });

  test.each([
    ['not configured', establishedClient(), { resultCode: 3, errorCode: 0 }],
    ['no new calls are taken', refusing(), { resultCode: 3, errorCode: 0 }],
    ['no room for another call', full(), { resultCode: 2, errorCode: 4 }],
    ['a Call ID that is in use', taken(), { resultCode: 2, errorCode: 5 }],
    [
      'the gateway says no',
      establishedClient({ ...accepting, admit: () => ({ resultCode: 4, errorCode: 0 }) }),
      { resultCode: 3, errorCode: 0 },
    ],
    [
      'no Call ID is free',
      establishedClient({ ...accepting, callIds: { allocate: () => undefined, release: () => undefined } }),
      { resultCode: 2, errorCode: 4 },
    ],
    ['a listening gateway that is not told to', establishedServer(), { resultCode: 3, errorCode: 0 }],
  ])('is refused by name: %s', (_, rig, codes) => {
    rig.effects.length = 0;
    rig.receives(request());
    expect(rig.sent).toEqual([
      {
        kind: 'incoming-call-reply',
        callId: 0,
        peerCallId: PAC_ID,
        ...codes,
        packetReceiveWindow: 0,
        packetTransmitDelay: 0,
      },
    ]);
    expect(rig.all('note')).toMatchObject([{ event: 'call.refused' }]);
    expect(rig.all('close')).toEqual([]);
    expect(rig.machine.state).toBe('established');
  });

  test('the caller hung up before it was connected: CDN ends it, nothing was opened', () => {
    const { rig } = waiting();
    rig.receives(disconnect(PAC_ID, 1));
    expect(told(rig.effects)).toEqual([]);
    expect(rig.all('note')).toMatchObject([{ event: 'call.not-connected' }]);
    expect(rig.machine.callCount).toBe(0);
  });

  test('an open call is cleared with CCR and is gone with the CDN', () => {
    const { rig, id } = waiting();
    rig.receives(connected(id));
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'idle', detail: 'd' });
    expect(rig.sent).toEqual([{ kind: 'call-clear-request', callId: id }]);
    expect(rig.all('call-closed')).toMatchObject([{ reason: 'idle' }]);
    rig.receives(disconnect(PAC_ID));
    expect(rig.machine.callCount).toBe(0);
  });

  test('cleared while it is being connected: it never opens', () => {
    const { rig, id } = waiting();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'administrative', detail: 'd' });
    rig.receives(connected(id), disconnect(PAC_ID));
    expect(told(rig.effects)).toEqual([]);
    expect(rig.machine.callCount).toBe(0);
  });

  test('section 3.2.1: not connected within a minute, the whole control connection is closed', () => {
    const { rig } = waiting();
    rig.at(59_999);
    expect(rig.all('close')).toEqual([]);
    rig.at(60_000);
    expect(rig.all('close')).toMatchObject([{ abort: true }]);
    expect(rig.all('note').at(-1)?.message).toContain('Incoming-Call-Connected');
  });
});

describe('RFC 2637 section 3.2.3: a listening gateway is the PNS of the calls that a PAC announces to it', () => {
  /** A server that has taken the PAC's call 77. */
  const taken = (init: Parameters<typeof establishedServer>[0] = accepting): { rig: ControlRig; id: CallId } => {
    const rig = establishedServer(init);
    rig.receives(request());
    const [answer] = rig.sent;
    if (answer?.kind !== 'incoming-call-reply' || answer.resultCode !== 1) throw new Error('not accepted');
    const id = callId(answer.callId);
    rig.receives(connected(id));
    expect(rig.all('call-opened')).toMatchObject([{ localCallId: id, peerCallId: PAC_ID, tag: undefined }]);
    rig.effects.length = 0;
    return { rig, id };
  };

  test('the log line of a refusal names what would allow it', () => {
    const rig = establishedServer({ options: { incomingCallsHint: 'SETTING=true takes them' } });
    rig.receives(request());
    expect(rig.all('note')).toMatchObject([
      {
        level: 'warn',
        event: 'call.refused',
        message: 'Refused an incoming call: do-not-accept; SETTING=true takes them.',
      },
    ]);
  });

  test('it ends the call with CCR, never CDN, and the PAC’s CDN lets the Call ID go', () => {
    const { rig, id } = taken();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'idle', detail: 'd' });
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'idle', detail: 'd' });
    expect(rig.sent).toEqual([{ kind: 'call-clear-request', callId: id }]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-closed', localCallId: id, reason: 'idle' }]);
    expect(rig.machine.callCount).toBe(1);
    rig.receives(disconnect(PAC_ID));
    expect(rig.machine.callCount).toBe(0);
    expect(told(rig.effects)).toHaveLength(1);
  });

  test('a CDN that a PAC sends with the receiver’s Call ID ends it, too', () => {
    const { rig, id } = taken();
    rig.receives(disconnect(id, 1));
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: id, reason: 'peer-disconnect' }]);
    expect(rig.sent).toEqual([]);
  });

  test('a CCR of the PAC is noted: asking is not its part', () => {
    const { rig } = taken();
    rig.receives({ kind: 'call-clear-request', callId: PAC_ID });
    expect(rig.sent).toEqual([]);
    expect(rig.all('note')).toMatchObject([{ event: 'call.unknown' }]);
    expect(rig.machine.callCount).toBe(1);
  });

  test('it sends Set-Link-Info and no Wan-Error-Notify', () => {
    const { rig, id } = taken();
    const errors = { crc: 1, framing: 0, hardwareOverruns: 0, bufferOverruns: 0, timeOuts: 0, alignment: 0 };
    rig.input({ kind: 'wan-error', localCallId: id, errors });
    rig.input({ kind: 'set-link-info', localCallId: id, sendAccm: 1, receiveAccm: 2 });
    expect(rig.sent).toEqual([{ kind: 'set-link-info', peerCallId: PAC_ID, sendAccm: 1, receiveAccm: 2 }]);
  });

  test('calls of both kinds live on one connection, and each ends as its kind does', () => {
    const { rig, id } = taken();
    rig.receives(callRequest(5));
    const opened = rig.all('call-opened').at(-1);
    expect(opened).toMatchObject({ peerCallId: 5 });
    rig.input({ kind: 'stop', reason: 'shutdown' });
    expect(rig.sent.slice(1)).toEqual([
      { kind: 'call-clear-request', callId: id },
      disconnect(opened?.localCallId ?? 0, 3),
      { kind: 'stop-control-connection-request', reason: 3 },
    ]);
    expect(rig.all('call-closed')).toHaveLength(2);
  });

  test('the gateway is asked again when the call is connected: what was free may be taken by then', () => {
    let busy = false;
    const admit = () => (busy ? { resultCode: 2, errorCode: 4 } : undefined);
    const rig = establishedServer({ ...accepting, admit });
    rig.receives(request());
    const [answer] = rig.sent;
    const id = answer?.kind === 'incoming-call-reply' ? answer.callId : 0;
    busy = true;
    rig.receives(connected(id));
    expect(rig.sent.at(-1)).toEqual({ kind: 'call-clear-request', callId: id });
    rig.receives(disconnect(PAC_ID));
    expect(told(rig.effects)).toEqual([]);
    expect(rig.machine.callCount).toBe(0);
  });

  test('a PAC that opens the connection announces its call, ends it with CDN and places none for us', () => {
    const rig = new ControlRig({ role: 'pac', options: { originates: true } });
    rig.input({ kind: 'open' });
    expect(rig.sent.map(({ kind }) => kind)).toEqual(['start-control-connection-request']);
    rig.receives(startReply());
    rig.input({ kind: 'place-incoming-call', tag: 1 });
    const asked = rig.sent.at(-1);
    if (asked?.kind !== 'incoming-call-request') throw new Error('no request');
    rig.receives(reply(asked.callId), callRequest(9));
    expect(rig.all('call-opened')).toMatchObject([{ tag: 1, peerCallId: PNS_ID }]);
    expect(rig.sent.at(-1)).toMatchObject({ kind: 'outgoing-call-reply', resultCode: 7 });
    rig.input({ kind: 'clear-call', localCallId: callId(asked.callId), reason: 'administrative', detail: 'd' });
    expect(rig.sent.at(-1)).toEqual(disconnect(asked.callId, 3));
    rig.input({ kind: 'place-call', tag: 2 });
    expect(rig.all('call-failed')).toMatchObject([{ tag: 2, result: 'wrong-role' }]);
  });
});

/** Clients that will not take one more call. */
function refusing(): ControlRig {
  const rig = establishedClient(accepting);
  rig.input({ kind: 'refuse-calls' });
  return rig;
}
function full(): ControlRig {
  const rig = establishedClient({ options: { acceptIncomingCalls: true, maxCalls: 1 } });
  rig.receives(request(1));
  return rig;
}
function taken(): ControlRig {
  const rig = establishedClient(accepting);
  rig.receives(request());
  return rig;
}

describe('RFC 2637 section 3.2.3.1: incoming calls at the PAC', () => {
  test('the request has our Call ID, a serial number and the numbers of the line', () => {
    const { rig, id } = announced();
    expect(rig.sent).toEqual([
      {
        kind: 'incoming-call-request',
        callId: id,
        callSerialNumber: 1,
        bearerType: 2,
        physicalChannelId: 0,
        dialedNumberLength: 3,
        dialingNumberLength: 4,
        dialedNumber: '100',
        dialingNumber: '4711',
        subaddress: '',
      },
    ]);
    expect(told(rig.effects)).toEqual([]);
  });

  test('accepted: the call opens, then Incoming-Call-Connected goes out with the PNS’s Call ID', () => {
    const { rig, id } = announced();
    const effects = rig.receives(reply(id));
    expect(effects.map((effect) => effect.kind)).toEqual(['call-opened', 'send']);
    expect(effects[0]).toMatchObject({
      localCallId: id,
      peerCallId: PNS_ID,
      window: 16,
      processingDelay: 5,
      serial: 1,
      tag: 1,
    });
    const sent = effects[1]?.kind === 'send' ? parsePptpMessage(effects[1].bytes) : undefined;
    expect(sent).toEqual({
      kind: 'incoming-call-connected',
      peerCallId: PNS_ID,
      connectSpeed: 100_000_000,
      packetReceiveWindow: 64,
      packetTransmitDelay: 0,
      framingType: 2,
    });
  });

  test.each([
    [2, 4, 'general-error'],
    [3, 0, 'do-not-accept'],
    [0, 0, 'unknown-result'],
  ])('result %i, error %i ends it as %s', (resultCode, errorCode, result) => {
    const { rig, id } = announced();
    rig.receives(reply(id, { resultCode, errorCode }));
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 1, result, resultCode, errorCode }]);
    expect(rig.machine.callCount).toBe(0);
    expect(rig.sent).toHaveLength(1);
  });

  test('given up before the reply: CDN; the reply that crosses it opens nothing', () => {
    const { rig, id } = announced();
    rig.input({ kind: 'clear-call', localCallId: id, reason: 'administrative', detail: 'gone' });
    rig.receives(reply(id));
    expect(rig.sent.at(-1)).toEqual(disconnect(id, 3));
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 1, result: 'administrative' }]);
  });

  test('the PNS clears the open call: CDN', () => {
    const { rig, id } = announced();
    rig.receives(reply(id), { kind: 'call-clear-request', callId: PNS_ID });
    expect(rig.sent.at(-1)).toEqual(disconnect(id, 4));
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: id, reason: 'peer-request' }]);
  });

  test('a Call ID that the PNS gave to another call: CDN with a general error', () => {
    const { rig, id } = announced();
    rig.receives(reply(id));
    rig.input({ kind: 'place-incoming-call', tag: 2 });
    const second = rig.sent.at(-1);
    if (second?.kind !== 'incoming-call-request') throw new Error('no request');
    rig.receives(reply(second.callId));
    expect(rig.sent.at(-1)).toMatchObject({ kind: 'call-disconnect-notify', callId: second.callId, resultCode: 2 });
    expect(rig.all('call-failed')).toMatchObject([{ tag: 2 }]);
    expect(rig.machine.callCount).toBe(1);
  });

  test('an Outgoing-Call-Reply does not answer it, and a reply to nothing is noted', () => {
    const { rig, id } = announced();
    rig.receives(
      {
        kind: 'outgoing-call-reply',
        callId: 5,
        peerCallId: id,
        resultCode: 1,
        errorCode: 0,
        causeCode: 0,
        connectSpeed: 0,
        packetReceiveWindow: 1,
        packetProcessingDelay: 0,
        physicalChannelId: 0,
      },
      reply(id ^ 1),
    );
    expect(told(rig.effects)).toEqual([]);
    expect(rig.all('note').map((note) => note.event)).toEqual(['call.unknown', 'call.unknown']);
  });

  test('no reply in 90 s closes the whole control connection', () => {
    const { rig } = announced();
    rig.at(60_000);
    const echo = rig.sent.at(-1);
    if (echo?.kind !== 'echo-request') throw new Error('no echo');
    rig.receives({ ...echo, kind: 'echo-reply', resultCode: 1, errorCode: 0 });
    rig.at(89_999);
    expect(rig.all('close')).toEqual([]);
    rig.at(90_000);
    expect(told(rig.effects)).toMatchObject([{ kind: 'call-failed', tag: 1 }, { kind: 'close' }]);
    expect(rig.all('note').at(-1)?.message).toContain('no reply to Incoming-Call-Request');
  });

  test.each([
    ['a client', () => establishedClient(), 'wrong-role'],
    ['no control connection', () => ended(), 'not-connected'],
    ['no new calls', () => refusingServer(), 'refused'],
    ['no room', () => establishedServer({ options: { maxCalls: 0 } }), 'no-resource'],
    [
      'no Call ID',
      () => establishedServer({ callIds: { allocate: () => undefined, release: () => undefined } }),
      'no-resource',
    ],
  ])('announcing fails by name: %s', (_, make, result) => {
    const rig = make();
    rig.effects.length = 0;
    rig.input({ kind: 'place-incoming-call', tag: 3 });
    expect(rig.all('call-failed')).toMatchObject([{ tag: 3, result }]);
    expect(rig.sent).toEqual([]);
  });
});

function ended(): ControlRig {
  const rig = establishedServer();
  rig.input({ kind: 'closed', detail: 'gone' });
  return rig;
}
function refusingServer(): ControlRig {
  const rig = establishedServer();
  rig.input({ kind: 'refuse-calls' });
  return rig;
}
