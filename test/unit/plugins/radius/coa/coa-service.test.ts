import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { callId } from '../../../../../core/ports/ids.ts';
import { ATTRIBUTE, attribute, CODE, octetsOf } from '../../../../../plugins/radius/wire/index.ts';
import { facts } from '../../../../support/accounting-rig.ts';
import { CoaRig, is } from '../../../../support/coa-rig.ts';

const { disconnectRequest, disconnectAck, disconnectNak, coaRequest, coaAck, coaNak } = CODE;

const rigWith = (...ids: readonly string[]): CoaRig => {
  const rig = new CoaRig();
  for (const [at, id] of ids.entries()) {
    const call = {
      local: ipv4(0xc6336401),
      peer: ipv4(0xcb007109 + at),
      localCallId: callId(7 + at),
      peerCallId: callId(9),
    };
    rig.directory.sessions.push(facts(id, { call, address: ipv4(0x0a4e0002 + at) }));
  }
  return rig;
};

describe('Disconnect-Request', () => {
  test('is acknowledged when the session is over, and not before', async () => {
    const rig = rigWith('s1');
    let release = (): void => undefined;
    rig.directory.before = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    let answered = false;
    const asking = rig.ask(disconnectRequest, is.session('s1')).then((answer) => {
      answered = true;
      return answer;
    });
    await rig.clock.advance(1);
    release();
    await rig.clock.advance(1);
    expect(answered).toBe(false);
    release();
    expect(await asking).toMatchObject({ code: disconnectAck, cause: undefined });
    expect(rig.directory.ended).toEqual([
      { id: 's1', ending: { reason: 'administrative', detail: 'Disconnect-Request from 192.0.2.1' } },
    ]);
  });

  test.each([
    ['its user and address', [is.user('alice'), attribute(ATTRIBUTE.framedIpAddress, ipv4(0x0a4e0003))]],
    ['where it comes from', [attribute(ATTRIBUTE.callingStationId, '203.0.113.10')]],
    ['its port', [attribute(ATTRIBUTE.nasPort, 8)]],
    [
      'its port by name, and the gateway',
      [attribute(ATTRIBUTE.nasPortId, 'pptp-8'), attribute(ATTRIBUTE.nasIdentifier, 'gw1')],
    ],
  ])('finds the one session by %s', async (_, attributes) => {
    const rig = rigWith('s1', 's2', 's3');
    expect(await rig.ask(disconnectRequest, ...attributes)).toMatchObject({ code: disconnectAck });
    expect(rig.directory.ended.map(({ id }) => id)).toEqual(['s2']);
  });

  test.each<[string, number, Parameters<CoaRig['ask']>[1][]]>([
    ['nothing that names a session', 402, []],
    ['only the gateway', 402, [attribute(ATTRIBUTE.nasIdentifier, 'gw1')]],
    ['a session that is not there', 503, [is.session('s9')]],
    ['a session and another user', 503, [is.session('s1'), is.user('bob')]],
    ['a session and another address', 503, [is.session('s1'), attribute(ATTRIBUTE.framedIpAddress, ipv4(1))]],
    ['a user with two sessions', 508, [is.user('alice')]],
    ['another gateway', 403, [is.session('s1'), attribute(ATTRIBUTE.nasIdentifier, 'gw2')]],
    ['another address of a gateway', 403, [is.session('s1'), attribute(ATTRIBUTE.nasIpAddress, ipv4(1))]],
    ['something to change', 401, [is.session('s1'), attribute(ATTRIBUTE.sessionTimeout, 60)]],
    ['a Service-Type', 401, [is.session('s1'), attribute(ATTRIBUTE.serviceType, 2)]],
    ['two sessions', 404, [is.session('s1'), is.session('s2')]],
    ['an address of three octets', 407, [{ vendor: 0, type: 8, value: new Uint8Array(3) }]],
    [
      'a name that we do not keep',
      401,
      [is.session('s1'), attribute(ATTRIBUTE.chargeableUserIdentity, new Uint8Array(2))],
    ],
  ])('with %s is refused: Error-Cause %i', async (_, cause, attributes) => {
    const rig = rigWith('s1', 's2');
    expect(await rig.ask(disconnectRequest, ...attributes)).toMatchObject({ code: disconnectNak, cause });
    expect(rig.directory.ended).toEqual([]);
  });

  test('Proxy-State comes back as it came, in order', async () => {
    const rig = rigWith('s1');
    const states = [Uint8Array.of(1), Uint8Array.of(2, 2)].map((value) => attribute(ATTRIBUTE.proxyState, value));
    const answer = await rig.ask(disconnectRequest, is.session('s1'), ...states);
    expect(octetsOf(answer?.packet.attributes ?? [], ATTRIBUTE.proxyState)).toEqual(states.map(({ value }) => value));
  });
});

describe('CoA-Request', () => {
  test('changes all that it names at once', async () => {
    const rig = rigWith('s1');
    const answer = await rig.ask(
      coaRequest,
      is.session('s1'),
      attribute(ATTRIBUTE.sessionTimeout, 3600),
      attribute(ATTRIBUTE.idleTimeout, 600),
      attribute(ATTRIBUTE.acctInterimInterval, 120),
      attribute(ATTRIBUTE.class, Uint8Array.of(9)),
      attribute(ATTRIBUTE.filterId, 'guests'),
      attribute(ATTRIBUTE.mikrotikRateLimit, '1M/2M'),
    );
    expect(answer).toMatchObject({ code: coaAck, cause: undefined });
    expect(rig.directory.changed).toEqual([
      {
        id: 's1',
        change: {
          sessionSeconds: 3600,
          idleSeconds: 600,
          interimSeconds: 120,
          classes: [Uint8Array.of(9)],
          filter: 'guests',
          rate: { up: { bitsPerSecond: 1e6 }, down: { bitsPerSecond: 2e6 } },
        },
      },
    ]);
  });

  test('of one direction leaves the other one as it is', async () => {
    const rig = new CoaRig();
    const rate = { up: { bitsPerSecond: 1e6 }, down: { bitsPerSecond: 2e6 } };
    rig.directory.sessions.push(facts('s1', { profile: { rate } }));
    await rig.ask(coaRequest, is.session('s1'), attribute(ATTRIBUTE.wisprBandwidthMaxUp, 5e5));
    await rig.ask(coaRequest, is.session('s1'), attribute(ATTRIBUTE.wisprBandwidthMaxDown, 0));
    expect(rig.directory.changed.map(({ change }) => change)).toEqual([
      { rate: { up: { bitsPerSecond: 5e5 }, down: { bitsPerSecond: 2e6 } } },
      { rate: { up: { bitsPerSecond: 1e6 } } },
    ]);
  });

  test.each<[string, number, Parameters<CoaRig['ask']>[1][]]>([
    ['nothing to change', 402, []],
    ['Authorize Only', 405, [attribute(ATTRIBUTE.serviceType, 17)]],
    [
      'something that cannot be changed',
      401,
      [attribute(ATTRIBUTE.sessionTimeout, 60), attribute(ATTRIBUTE.framedMtu, 1400)],
    ],
    ['an attribute of a stranger', 401, [{ vendor: 9, type: 1, value: Uint8Array.of(65) }]],
    ['a rate that is none', 407, [attribute(ATTRIBUTE.mikrotikRateLimit, 'fast')]],
    ['a number of two octets', 407, [{ vendor: 0, type: 27, value: new Uint8Array(2) }]],
    ['records every ten seconds', 407, [attribute(ATTRIBUTE.acctInterimInterval, 10)]],
  ])('with %s is refused: Error-Cause %i, and nothing is changed', async (_, cause, attributes) => {
    const rig = rigWith('s1');
    expect(await rig.ask(coaRequest, is.session('s1'), ...attributes)).toMatchObject({ code: coaNak, cause });
    expect(rig.directory.changed).toEqual([]);
  });

  test.each([
    ['the session has gone meanwhile', 'gone', 503],
    ['the gateway has no such filter', 'refused', 407],
  ] as const)('when %s: a refusal', async (_, why, cause) => {
    const rig = rigWith('s1');
    rig.directory.changeAnswer = { ok: false, why, detail: 'it cannot be' };
    const answer = await rig.ask(coaRequest, is.session('s1'), attribute(ATTRIBUTE.filterId, 'none'));
    expect(answer).toMatchObject({ code: coaNak, cause });
  });

  test('when a worker cannot be asked, or takes its time: no resources', async () => {
    const rig = rigWith('s1');
    rig.directory.before = () => Promise.reject(new Error('worker 1 does not answer'));
    const change = [is.session('s1'), attribute(ATTRIBUTE.idleTimeout, 60)];
    expect(await rig.ask(coaRequest, ...change)).toMatchObject({ cause: 506 });
    rig.directory.before = () => new Promise(() => undefined);
    const asking = rig.ask(coaRequest, ...change);
    await rig.clock.advance(8_000);
    expect(await asking).toMatchObject({ cause: 506 });
    expect(rig.clock.pending).toBe(0);
  });
});

describe('what is dropped in silence', () => {
  test('somebody who is not a client, a wrong secret, a wrong code', async () => {
    const rig = rigWith('s1');
    const bytes = rig.sealed(disconnectRequest, [is.session('s1')]);
    expect(await rig.send(bytes, ipv4(0xc0000202))).toBeUndefined();
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    expect(await rig.send(bytes)).toBeUndefined();
    expect(await rig.ask(4, is.session('s1'))).toBeUndefined();
    expect(rig.drops).toEqual(['stranger', 'bad-authenticator', 'wrong-code']);
    expect(rig.directory.ended).toEqual([]);
  });

  test('a timestamp that is more than 300 s away, in either direction', async () => {
    const rig = rigWith('s1');
    const at = rig.now / 1000;
    for (const seconds of [at - 301, at + 301]) {
      expect(
        await rig.ask(disconnectRequest, is.session('s1'), attribute(ATTRIBUTE.eventTimestamp, seconds)),
      ).toBeUndefined();
    }
    expect(rig.drops).toEqual(['stale', 'stale']);
    expect(
      await rig.ask(disconnectRequest, is.session('s1'), attribute(ATTRIBUTE.eventTimestamp, at - 299)),
    ).toMatchObject({ code: disconnectAck });
  });

  test('what the settings ask for and is not there', async () => {
    const rig = new CoaRig({ requireMessageAuthenticator: true, requireEventTimestamp: true });
    expect(await rig.send(rig.sealed(disconnectRequest, [is.session('s1')], false))).toBeUndefined();
    expect(await rig.ask(disconnectRequest, is.session('s1'))).toBeUndefined();
    expect(rig.drops).toEqual(['no-message-authenticator', 'no-timestamp']);
  });

  test('forged datagrams, which leave the room to those of a client', async () => {
    const rig = rigWith('s1');
    const bytes = rig.sealed(disconnectRequest, [is.session('s9')]);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    for (let i = 0; i < 300; i += 1) await rig.send(bytes);
    expect(await rig.ask(disconnectRequest, is.session('s1'))).toMatchObject({ code: disconnectAck });
  });

  test('a flood; later requests are answered again', async () => {
    const rig = rigWith('s1');
    for (let i = 0; i < 300; i += 1) await rig.ask(disconnectRequest, is.session('s9'));
    expect(rig.drops.filter((why) => why === 'flood')).toHaveLength(100);
    await rig.clock.advance(1_000);
    expect(await rig.ask(disconnectRequest, is.session('s1'))).toMatchObject({ code: disconnectAck });
  });
});

describe('a copy of a request', () => {
  test('gets the same octets, and nothing is done again', async () => {
    const rig = rigWith('s1');
    const bytes = rig.sealed(disconnectRequest, [is.session('s1')]);
    const first = await rig.service.handle(bytes, ipv4(0xc0000201), 40_000);
    const second = await rig.service.handle(bytes, ipv4(0xc0000201), 40_000);
    expect(first).toBeDefined();
    expect(second).toEqual(first);
    expect(rig.directory.ended).toHaveLength(1);
  });

  test('has no answer while the first one is worked on', async () => {
    const rig = rigWith('s1');
    let release = (): void => undefined;
    rig.directory.before = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const bytes = rig.sealed(disconnectRequest, [is.session('s1')]);
    const first = rig.send(bytes);
    expect(await rig.send(bytes)).toBeUndefined();
    release();
    await rig.clock.advance(1);
    release();
    expect(await first).toMatchObject({ code: disconnectAck });
    expect(rig.drops).toEqual(['in-work']);
  });

  test('from another port, or from another client, is a copy if it has a timestamp', async () => {
    const rig = new CoaRig({ clients: [{ network: ipv4(0xc0000200), prefixLength: 24 }] });
    rig.directory.sessions.push(facts('s1'));
    const bytes = rig.sealed(disconnectRequest, [
      is.user('alice'),
      attribute(ATTRIBUTE.eventTimestamp, rig.now / 1000),
    ]);
    expect(await rig.send(bytes)).toMatchObject({ code: disconnectAck });
    rig.directory.sessions.push(facts('s2'));
    expect(await rig.send(bytes, undefined, 40_001)).toMatchObject({ code: disconnectAck });
    expect(await rig.send(bytes, ipv4(0xc0000203))).toMatchObject({ code: disconnectAck });
    expect(rig.directory.ended.map(({ id }) => id)).toEqual(['s1']);
  });

  test('is known for as long as its timestamp is taken, also where the clock of the client is ahead', async () => {
    const rig = rigWith('s1');
    const ahead = attribute(ATTRIBUTE.eventTimestamp, rig.now / 1000 + 299);
    const bytes = rig.sealed(disconnectRequest, [is.user('alice'), ahead]);
    expect(await rig.send(bytes)).toMatchObject({ code: disconnectAck });
    rig.directory.sessions.push(facts('s2'));
    for (let i = 0; i < 600; i += 50) {
      await rig.clock.advance(50_000);
      await rig.send(bytes);
    }
    expect(rig.drops.at(-1)).toBe('stale');
    expect(rig.directory.ended.map(({ id }) => id)).toEqual(['s1']);
  });

  test('is known after as many others as may come in that time', async () => {
    const rig = rigWith('s1');
    const now = attribute(ATTRIBUTE.eventTimestamp, rig.now / 1000);
    const bytes = rig.sealed(disconnectRequest, [is.user('alice'), now]);
    expect(await rig.send(bytes)).toMatchObject({ code: disconnectAck });
    for (let i = 0; i < 5_000; i += 1) {
      await rig.ask(disconnectRequest, attribute(ATTRIBUTE.nasPort, i), now);
      await rig.clock.advance(10);
    }
    rig.directory.sessions.push(facts('s2'));
    expect(await rig.send(bytes)).toMatchObject({ code: disconnectAck });
    expect(rig.directory.ended.map(({ id }) => id)).toEqual(['s1']);
  });

  test('without a timestamp from another port is a request of its own', async () => {
    const rig = rigWith('s1');
    const bytes = rig.sealed(disconnectRequest, [is.session('s1')]);
    expect(await rig.send(bytes)).toMatchObject({ code: disconnectAck });
    expect(await rig.send(bytes, undefined, 40_001)).toMatchObject({ code: disconnectNak, cause: 503 });
  });
});

test('no more than 64 requests are worked on at a time', async () => {
  const rig = rigWith('s1');
  rig.directory.before = () => new Promise(() => undefined);
  const asking = Array.from({ length: 64 }, () => rig.ask(disconnectRequest, is.session('s1')));
  expect(await rig.ask(disconnectRequest, is.session('s1'))).toMatchObject({ cause: 506 });
  await rig.clock.advance(8_000);
  expect((await Promise.all(asking)).every((answer) => answer?.cause === 506)).toBe(true);
});
