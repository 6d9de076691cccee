import { describe, expect, test } from 'vitest';
import { fromHex } from '../../../core/bytes/hex.ts';
import {
  ControlRig,
  callRequest,
  establishedClient,
  establishedServer,
  sentBy,
  startReply,
  startRequest,
  told,
} from '../../support/control-rig.ts';
import { CONTROL_VECTORS } from '../../vectors/rfc2637-control-messages.ts';

const openServer = (): ControlRig => {
  const rig = new ControlRig({ role: 'pac', options: { hostName: 'gw', vendorName: 'us', firmwareRevision: 9 } });
  rig.input({ kind: 'open' });
  return rig;
};
const openClient = (): ControlRig => {
  const rig = new ControlRig({ role: 'pns', options: { hostName: 'me', vendorName: 'us', firmwareRevision: 9 } });
  rig.input({ kind: 'open' });
  return rig;
};

describe('RFC 2637 section 3.1.2: the receiver (server)', () => {
  test('says nothing before the request', () => {
    expect(openServer().effects).toEqual([]);
  });

  test('answers the request with its version, capabilities and names, and is established', () => {
    const rig = openServer();
    rig.receives(startRequest({ hostName: 'client\0junk', vendorName: 'v\x07w' }));
    expect(rig.sent).toEqual([
      {
        kind: 'start-control-connection-reply',
        protocolVersion: 0x0100,
        resultCode: 1,
        errorCode: 0,
        framingCapabilities: 3,
        bearerCapabilities: 3,
        maximumChannels: 100,
        firmwareRevision: 9,
        hostName: 'gw',
        vendorName: 'us',
      },
    ]);
    expect(rig.all('established')[0]?.peer).toMatchObject({ hostName: 'client', vendorName: 'v.w' });
    expect(rig.machine.state).toBe('established');
  });

  for (const { message } of CONTROL_VECTORS.filter((v) => v.message.kind !== 'start-control-connection-request')) {
    test(`any other message first closes: ${message.kind}`, () => {
      const rig = openServer();
      rig.receives(message);
      expect(rig.sent).toEqual([]);
      expect(told(rig.effects)).toMatchObject([{ kind: 'close', abort: true }]);
      expect(rig.all('note')[0]?.event).toBe('control.out-of-state');
      expect(rig.receives(startRequest())).toEqual([]);
    });
  }

  test('a later version is answered with ours and accepted', () => {
    const rig = openServer();
    rig.receives(startRequest({ protocolVersion: 0x0200 }));
    expect(rig.sent).toMatchObject([{ resultCode: 1, protocolVersion: 0x0100 }]);
    expect(rig.machine.state).toBe('established');
  });

  test('section 2.1: Maximum Channels of a PNS is ignored', () => {
    const rig = openServer();
    rig.receives(startRequest({ maximumChannels: 1 }), callRequest(1), callRequest(2));
    expect(rig.sent.slice(1)).toMatchObject([{ resultCode: 1 }, { resultCode: 1 }]);
  });

  test('an earlier version gets result 5, and then the connection is closed in order', () => {
    const rig = openServer();
    rig.receives(startRequest({ protocolVersion: 0x00ff }));
    expect(rig.sent).toMatchObject([{ resultCode: 5, protocolVersion: 0x0100 }]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'close', abort: false }]);
  });

  test('a second request gets result 3, and the calls live on', () => {
    const rig = establishedServer();
    rig.receives(callRequest(5), startRequest());
    expect(rig.sent).toMatchObject([{ kind: 'outgoing-call-reply' }, { resultCode: 3 }]);
    expect(rig.all('call-closed')).toEqual([]);
    expect(rig.machine.callCount).toBe(1);
  });

  test('while no new calls are taken, a new connection gets result 2 with no-resource', () => {
    const rig = openServer();
    rig.input({ kind: 'refuse-calls' });
    rig.receives(startRequest());
    expect(rig.sent).toMatchObject([{ resultCode: 2, errorCode: 4 }]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'close', abort: false }]);
  });

  test('a refusal is noted with its reason', () => {
    const rig = openServer();
    rig.input({ kind: 'refuse-calls', why: 'there is a storm' });
    rig.receives(startRequest());
    expect(rig.all('note')).toMatchObject([{ message: 'Refused a control connection: there is a storm.' }]);
  });
});

describe('RFC 2637 section 3.1.1: the originator (client)', () => {
  test('sends the request as soon as TCP is open, with Maximum Channels 0', () => {
    expect(openClient().sent).toMatchObject([
      { kind: 'start-control-connection-request', protocolVersion: 0x0100, maximumChannels: 0, hostName: 'me' },
    ]);
  });

  test('result 1 establishes', () => {
    const rig = openClient();
    rig.receives(startReply());
    expect(rig.all('established')).toHaveLength(1);
  });

  test.each([
    [2, 'general-error, error 4 no-resource'],
    [3, 'command-channel-exists'],
    [4, 'not-authorized'],
    [5, 'version-not-supported'],
    [99, 'unknown code 99'],
  ])('result %i closes and says why', (resultCode, words) => {
    const rig = openClient();
    rig.receives(startReply({ resultCode, errorCode: resultCode === 2 ? 4 : 0 }));
    expect(rig.all('close')[0]?.detail).toContain(words);
    expect(rig.all('established')).toEqual([]);
  });

  test('an earlier version in the reply: Stop with reason 2, and wait for the answer', () => {
    const rig = openClient();
    const effects = rig.receives(startReply({ protocolVersion: 0x00ff }));
    expect(sentBy(effects)).toEqual([{ kind: 'stop-control-connection-request', reason: 2 }]);
    expect(rig.machine.state).toBe('wait-stop-reply');
  });

  test('section 2.2: Maximum Channels of a PAC is no limit to keep count of', () => {
    const rig = new ControlRig({ role: 'pns' });
    rig.input({ kind: 'open' });
    rig.receives(startReply({ maximumChannels: 1 }));
    rig.input({ kind: 'place-call', tag: 1 });
    rig.input({ kind: 'place-call', tag: 2 });
    expect(rig.sent.filter(({ kind }) => kind === 'outgoing-call-request')).toHaveLength(2);
  });

  test('a request instead of the reply closes', () => {
    const rig = openClient();
    rig.receives(startRequest());
    expect(rig.all('close')).toHaveLength(1);
  });
});

describe.each([
  ['server', establishedServer],
  ['client', establishedClient],
])('RFC 2637 sections 2.3, 2.4 and 3.1: stopping, %s', (_, established) => {
  test('the peer stops: reply with result 1, close in order', () => {
    const rig = established();
    rig.receives({ kind: 'stop-control-connection-request', reason: 1 });
    expect(rig.sent).toEqual([{ kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 }]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'close', abort: false }]);
    expect(rig.machine.nextTimeout()).toBeUndefined();
  });

  test('an unknown reason is no obstacle', () => {
    const rig = established();
    rig.receives({ kind: 'stop-control-connection-request', reason: 200 });
    expect(rig.all('close')[0]?.detail).toContain('unknown code 200');
  });

  test.each([
    ['none', 1],
    ['shutdown', 3],
  ] as const)('we stop (%s): request with reason %i, and closed after the reply', (reason, code) => {
    const rig = established();
    rig.input({ kind: 'stop', reason });
    expect(rig.sent).toEqual([{ kind: 'stop-control-connection-request', reason: code }]);
    expect(rig.all('close')).toEqual([]);
    rig.receives({ kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 });
    expect(rig.all('close')).toMatchObject([{ abort: false }]);
  });

  test('we stop and nobody answers: closed after 3 s', () => {
    const rig = established();
    rig.input({ kind: 'stop', reason: 'none' });
    rig.at(2999);
    expect(rig.all('close')).toEqual([]);
    rig.at(3000);
    expect(rig.all('close')).toMatchObject([{ abort: true }]);
  });

  test('both stop at once: each answers the other', () => {
    const rig = established();
    rig.input({ kind: 'stop', reason: 'none' });
    rig.receives({ kind: 'stop-control-connection-request', reason: 1 });
    expect(rig.sent.map((m) => m.kind)).toEqual(['stop-control-connection-request', 'stop-control-connection-reply']);
    expect(rig.all('close')).toHaveLength(1);
  });

  test('what crossed our Stop is passed over', () => {
    const rig = established();
    rig.input({ kind: 'stop', reason: 'none' });
    rig.receives({ kind: 'echo-request', identifier: 1 }, callRequest(4), { kind: 'call-clear-request', callId: 4 });
    expect(rig.sent).toHaveLength(1);
    expect(rig.all('close')).toEqual([]);
  });

  test('a Stop reply that nobody asked for is out of state', () => {
    const rig = established();
    rig.receives({ kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 });
    expect(rig.all('close')).toMatchObject([{ abort: true }]);
  });

  test('a Start reply is out of state', () => {
    const rig = established();
    rig.receives(startReply());
    expect(rig.all('close')).toMatchObject([{ abort: true }]);
  });
});

describe('RFC 2637 section 3.1.4: keep alives and timers', () => {
  test.each([
    ['server', openServer],
    ['client', openClient],
  ])('not established after 30 s: closed (%s)', (_, open) => {
    const rig = open();
    rig.at(29_999);
    expect(rig.all('close')).toEqual([]);
    rig.at(30_000);
    expect(rig.all('close')).toMatchObject([{ abort: true }]);
    expect(rig.all('note')[0]?.event).toBe('control.start-timeout');
  });

  test('half a request does not stop that timer', () => {
    const rig = openServer();
    rig.input({ kind: 'bytes', bytes: fromHex('009c 0001 1a2b3c4d') });
    rig.at(30_000);
    expect(rig.all('close')).toHaveLength(1);
  });

  describe.each([
    ['server', establishedServer],
    ['client', establishedClient],
  ])('%s', (_, established) => {
    test('Echo-Request after 60 s of silence, closed 60 s later without a reply', () => {
      const rig = established();
      rig.at(59_999);
      expect(rig.sent).toEqual([]);
      rig.at(60_000);
      expect(rig.sent).toMatchObject([{ kind: 'echo-request' }]);
      rig.at(119_999);
      expect(rig.all('close')).toEqual([]);
      rig.at(120_000);
      expect(rig.all('close')).toMatchObject([{ abort: true }]);
      expect(rig.all('note')[0]?.event).toBe('control.echo-timeout');
      expect(rig.sent).toHaveLength(1);
    });

    test('any message puts the Echo-Request off, but does not answer one', () => {
      const rig = established();
      rig.at(50_000);
      rig.receives({ kind: 'echo-request', identifier: 1 });
      rig.at(109_999);
      expect(rig.sent.map((m) => m.kind)).toEqual(['echo-reply']);
      rig.at(110_000);
      expect(rig.sent.map((m) => m.kind)).toEqual(['echo-reply', 'echo-request']);
      rig.at(169_000);
      rig.receives({ kind: 'echo-request', identifier: 2 });
      rig.at(170_000);
      expect(rig.all('close')).toHaveLength(1);
    });

    test('silence between a message and the time-out brings no second request either', () => {
      const rig = established({ options: { echoIntervalMs: 10_000, echoTimeoutMs: 60_000 } });
      rig.at(15_000);
      rig.receives({ kind: 'set-link-info', peerCallId: 1, sendAccm: 0, receiveAccm: 0 });
      rig.at(70_000);
      expect(rig.sent.map((m) => m.kind)).toEqual(['echo-request']);
      expect(rig.all('close')).toMatchObject([{ abort: true }]);
    });

    test('the right reply is followed by the next request after 60 s more, with another identifier', () => {
      const rig = established();
      const [first] = sentBy(rig.at(60_000));
      if (first?.kind !== 'echo-request') throw new Error('no Echo-Request');
      rig.at(61_000);
      rig.receives({ kind: 'echo-reply', identifier: first.identifier, resultCode: 1, errorCode: 0 });
      const [second] = sentBy(rig.at(121_000));
      if (second?.kind !== 'echo-request') throw new Error('no second Echo-Request');
      expect(second.identifier).not.toBe(first.identifier);
      expect(rig.all('close')).toEqual([]);
    });

    test('a reply with another identifier answers nothing', () => {
      const rig = established();
      const [request] = sentBy(rig.at(60_000));
      if (request?.kind !== 'echo-request') throw new Error('no Echo-Request');
      const identifier = (request.identifier ^ 1) >>> 0;
      rig.receives({ kind: 'echo-reply', identifier, resultCode: 1, errorCode: 0 });
      expect(rig.all('note').map((n) => n.event)).toEqual(['control.stray-echo-reply']);
      rig.at(120_000);
      expect(rig.all('close')).toHaveLength(1);
    });

    test('a reply nobody asked for is passed over', () => {
      const rig = established();
      rig.receives({ kind: 'echo-reply', identifier: 0, resultCode: 1, errorCode: 0 });
      expect(told(rig.effects)).toEqual([]);
    });

    test('an error result or an unknown one shows that the peer lives', () => {
      const rig = established();
      const [request] = sentBy(rig.at(60_000));
      if (request?.kind !== 'echo-request') throw new Error('no Echo-Request');
      rig.receives({ kind: 'echo-reply', identifier: request.identifier, resultCode: 9, errorCode: 3 });
      rig.at(120_000);
      expect(rig.all('close')).toEqual([]);
    });

    test('section 2.6: every Echo-Request is answered with its identifier and result 1', () => {
      const rig = established();
      rig.receives({ kind: 'echo-request', identifier: 0xfffffffe }, { kind: 'echo-request', identifier: 0 });
      expect(rig.sent).toEqual([
        { kind: 'echo-reply', identifier: 0xfffffffe, resultCode: 1, errorCode: 0 },
        { kind: 'echo-reply', identifier: 0, resultCode: 1, errorCode: 0 },
      ]);
    });
  });
});

describe('RFC 2637 sections 1.4 and 3: what cannot be read', () => {
  test.each([
    ['magic cookie', '00100001 1a2b3c4e 00050000 00000000', 'bad-magic'],
    ['management message', '00100002 1a2b3c4d 00050000 00000000', 'bad-message-type'],
    ['length zero', '00000001', 'bad-length'],
    ['CCR of 32 octets, as MS-PTPT prints it', '00200001 1a2b3c4d 000c0000', 'bad-length'],
    ['control message type 16', '00100001 1a2b3c4d 00100000 00000000', 'bad-control-type'],
  ])('%s closes at once and ends every call', (_, hex, fault) => {
    const rig = establishedServer();
    rig.receives(callRequest(5));
    rig.effects.length = 0;
    rig.input({ kind: 'bytes', bytes: fromHex(hex) });
    expect(rig.sent).toEqual([]);
    expect(told(rig.effects)).toMatchObject([
      { kind: 'call-closed', peerCallId: 5, reason: 'control-lost' },
      { kind: 'close', abort: true },
    ]);
    expect(rig.all('note')[0]).toMatchObject({ level: 'warn', event: 'control.bad-message' });
    expect(rig.all('note')[0]?.message).toContain(fault);
  });

  test('messages after the fatal one in the same segment are not acted upon', () => {
    const rig = establishedServer();
    const echo = fromHex('00100001 1a2b3c4d 00050000 00000001');
    const bytes = new Uint8Array(36);
    bytes.set(echo, 0);
    bytes.set(echo, 20);
    rig.input({ kind: 'bytes', bytes });
    expect(rig.sent).toHaveLength(1);
    expect(rig.all('close')).toHaveLength(1);
  });
});
