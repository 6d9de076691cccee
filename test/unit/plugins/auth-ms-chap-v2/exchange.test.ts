import { describe, expect, test } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { msChapV2MasterKeys } from '../../../../core/crypto/mppe-keys.ts';
import { checkNtResponse, generateAuthenticatorResponse, ntPasswordHash } from '../../../../core/crypto/ms-chap-v2.ts';
import type { Machine } from '../../../../core/machine/machine.ts';
import type { AuthEffect, AuthInput, AuthVerdict } from '../../../../core/ports/auth.ts';
import { instant } from '../../../../core/time.ts';
import { type ChapPacket, parseChap, parseMsChapFailure, writeChap } from '../../../../core/wire/chap.ts';
import { msChapV2Method } from '../../../../plugins/auth-ms-chap-v2/index.ts';
import { countingRandom } from '../../../support/counting-random.ts';

const CHAP = 0xc223;
const PROFILE = { address: ipv4(0x0a4d0105) };
const hash = ntPasswordHash('clientPass');
const denied = (denial: 'bad-credentials' | 'expired' | 'locked' | 'unavailable'): AuthVerdict => ({
  ok: false,
  denial,
});

const authenticator = () =>
  msChapV2Method().begin({ role: 'authenticator', localName: 'gw', random: countingRandom(0x40) });
const peer = (password = 'clientPass', localName = 'CORP\\vpnuser') =>
  msChapV2Method().begin({ role: 'peer', localName, password, random: countingRandom(0x90) });

/** What a back-end that knows the password says. */
const verdictOn = (effect: AuthEffect | undefined): AuthVerdict => {
  if (effect?.kind !== 'verify' || effect.method !== 'ms-chap-v2') throw new Error('no verify effect');
  const { request } = effect;
  if (!checkNtResponse(request, hash, request.ntResponse)) return denied('bad-credentials');
  return {
    ok: true,
    identity: 'vpnuser',
    profile: PROFILE,
    grant: {
      authenticatorResponse: generateAuthenticatorResponse(request, hash, request.ntResponse),
      keys: msChapV2MasterKeys(hash, request.ntResponse, 'authenticator'),
    },
  };
};

type Auth = Machine<AuthInput, AuthEffect>;
const at0 = instant(0);
const begin = (machine: Auth): readonly AuthEffect[] => machine.handle({ kind: 'start' }, at0);
const feed = (machine: Auth, bytes: Uint8Array, ms = 0): readonly AuthEffect[] =>
  machine.handle({ kind: 'frame', protocol: CHAP, bytes }, instant(ms));
const judge = (machine: Auth, verdict: AuthVerdict, ms = 0): readonly AuthEffect[] =>
  machine.handle({ kind: 'verdict', verdict }, instant(ms));
const sent = (effects: readonly AuthEffect[]): Uint8Array => {
  const effect = effects.find((one) => one.kind === 'send');
  if (effect?.kind !== 'send') throw new Error('nothing was sent');
  expect(effect.protocol).toBe(CHAP);
  return effect.bytes;
};
const packetIn = (effects: readonly AuthEffect[]): ChapPacket => {
  const packet = parseChap(sent(effects));
  if (packet === undefined) throw new Error('no CHAP packet');
  return packet;
};
const kinds = (effects: readonly AuthEffect[]): string[] => effects.map((effect) => effect.kind);
/** A Response with that identifier whose proof is nonsense. */
const wrongResponse = (identifier: number, flags = 0): Uint8Array => {
  const value = new Uint8Array(49).fill(7);
  value[48] = flags;
  return writeChap({ kind: 'response', identifier, value, name: 'vpnuser' });
};

test('the method: LCP option C2 23 81, keys, one protocol', () => {
  const method = msChapV2Method();
  expect(toHex(method.lcpOption)).toBe('c22381');
  expect([method.name, method.yieldsKeys, method.protocols]).toEqual(['ms-chap-v2', true, [CHAP]]);
});

describe('both ends of ours', () => {
  test('challenge, response, success: accepted by both, with keys that fit', () => {
    const server = authenticator();
    const client = peer();
    const challenge = begin(server);
    expect(packetIn(challenge)).toMatchObject({ kind: 'challenge', identifier: 0x40, name: 'gw' });
    expect(begin(client)).toEqual([]);
    const response = feed(client, sent(challenge));
    expect(packetIn(response)).toMatchObject({ kind: 'response', identifier: 0x40, name: 'CORP\\vpnuser' });
    const asked = feed(server, sent(response));
    expect(asked).toMatchObject([{ kind: 'verify', method: 'ms-chap-v2', request: { userName: 'CORP\\vpnuser' } }]);
    const accepted = judge(server, verdictOn(asked[0]));
    expect(kinds(accepted)).toEqual(['send', 'accept']);
    expect(accepted[1]).toMatchObject({ identity: 'vpnuser', profile: PROFILE });
    const done = feed(client, sent(accepted));
    expect(done).toMatchObject([{ kind: 'accept', identity: 'CORP\\vpnuser', profile: {} }]);
    const [serverSide, clientSide] = [accepted[1], done[0]];
    if (serverSide?.kind !== 'accept' || clientSide?.kind !== 'accept') throw new Error('not accepted');
    expect(clientSide.keys?.send).toEqual(serverSide.keys?.receive);
    expect(clientSide.keys?.receive).toEqual(serverSide.keys?.send);
    server.handle({ kind: 'network-started' }, at0);
    expect([server.nextTimeout(), client.nextTimeout()]).toEqual([undefined, undefined]);
  });

  test('a Success that may have been lost is sent again three times, until the peer speaks a network protocol', () => {
    const accepted = (): { server: Auth; success: Uint8Array } => {
      const server = authenticator();
      const asked = feed(server, sent(feed(peer(), sent(begin(server)))));
      return { server, success: sent(judge(server, verdictOn(asked[0]))) };
    };
    const silent = accepted();
    const times: number[] = [];
    for (let at = silent.server.nextTimeout(); at !== undefined; at = silent.server.nextTimeout()) {
      expect(silent.server.handleTimeout(at)).toEqual([{ kind: 'send', protocol: CHAP, bytes: silent.success }]);
      times.push(at);
    }
    expect(times).toEqual([3000, 6000, 9000]);
    const { server, success } = accepted();
    expect(sent(server.handleTimeout(instant(3000)))).toEqual(success);
    server.handle({ kind: 'network-started' }, instant(3100));
    expect(server.nextTimeout()).toBeUndefined();
    expect(server.handleTimeout(instant(60_000))).toEqual([]);
  });

  test('wrong password: 691 with retry, and the peer gives up at once', () => {
    const server = authenticator();
    const client = peer('wrong');
    const asked = feed(server, sent(feed(client, sent(begin(server)))));
    const refused = judge(server, verdictOn(asked[0]));
    expect(refused[1]).toEqual({
      kind: 'attempt-failed',
      identity: 'CORP\\vpnuser',
      denial: 'bad-credentials',
      retriesLeft: 2,
    });
    expect(feed(client, sent(refused))).toEqual([
      { kind: 'attempt-failed', identity: 'CORP\\vpnuser', denial: 'bad-credentials', retriesLeft: 0 },
      { kind: 'reject', identity: 'CORP\\vpnuser', denial: 'bad-credentials' },
    ]);
  });
});

describe('authenticator', () => {
  test('sends the same challenge every 3 s, ten times in all, then gives up', () => {
    const server = authenticator();
    const first = sent(begin(server));
    expect(server.handleTimeout(instant(2999))).toEqual([]);
    for (let n = 1; n <= 9; n += 1) {
      expect(server.nextTimeout()).toBe(3000 * n);
      expect(sent(server.handleTimeout(instant(3000 * n)))).toEqual(first);
    }
    expect(server.handleTimeout(instant(30_000))).toEqual([{ kind: 'reject', identity: '', denial: 'timeout' }]);
    expect(server.nextTimeout()).toBeUndefined();
    expect(feed(server, wrongResponse(0x40))).toEqual([]);
  });

  test('three attempts: new challenge and next identifier each time, the last without retry (section 9.1.5)', () => {
    const server = authenticator();
    begin(server);
    const challenges = new Set<string>();
    for (const [attempt, identifier] of [0x40, 0x41, 0x42].entries()) {
      expect(kinds(feed(server, wrongResponse(identifier)))).toEqual(['verify']);
      expect(server.nextTimeout()).toBeUndefined();
      const refused = judge(server, denied('bad-credentials'));
      const failure = packetIn(refused);
      if (failure.kind !== 'failure') throw new Error('no Failure');
      expect(failure.identifier).toBe(identifier);
      expect(failure.message).toMatch(/^E=691 R=[01] C=[0-9A-F]{32} V=3 M=./);
      const parsed = parseMsChapFailure(failure.message);
      expect(parsed?.retry).toBe(attempt < 2);
      challenges.add(toHex(parsed?.challenge ?? new Uint8Array()));
      expect(refused[1]).toMatchObject({ kind: 'attempt-failed', retriesLeft: 2 - attempt });
      expect(kinds(refused.slice(2))).toEqual(attempt < 2 ? [] : ['reject']);
    }
    expect(challenges.size).toBe(3);
    expect(feed(server, wrongResponse(0x43))).toEqual([]);
  });

  test('the retry is verified against the challenge of the Failure (section 9.1.4)', () => {
    const server = authenticator();
    begin(server);
    feed(server, wrongResponse(0x40));
    const failure = packetIn(judge(server, denied('bad-credentials')));
    const challenge = parseMsChapFailure(failure.kind === 'failure' ? failure.message : '')?.challenge;
    if (challenge === undefined) throw new Error('no challenge in the Failure');
    const client = peer();
    const second = feed(client, writeChap({ kind: 'challenge', identifier: 0x41, value: challenge, name: '' }));
    const asked = feed(server, sent(second));
    expect(asked).toMatchObject([{ kind: 'verify', request: { authenticatorChallenge: challenge } }]);
    expect(kinds(judge(server, verdictOn(asked[0])))).toEqual(['send', 'accept']);
  });

  test('the identifier of a retry after 255 is 0', () => {
    const server = msChapV2Method().begin({ role: 'authenticator', localName: 'gw', random: countingRandom(0xff) });
    expect(packetIn(begin(server))).toMatchObject({ identifier: 0xff });
    feed(server, wrongResponse(0xff));
    judge(server, denied('bad-credentials'));
    expect(kinds(feed(server, wrongResponse(0)))).toEqual(['verify']);
  });

  test('a retry that never comes ends after the waiting time', () => {
    const server = authenticator();
    begin(server);
    feed(server, wrongResponse(0x40));
    judge(server, denied('bad-credentials'), 1000);
    expect(server.nextTimeout()).toBe(61_000);
    expect(server.handleTimeout(instant(61_000))).toEqual([{ kind: 'reject', identity: 'vpnuser', denial: 'timeout' }]);
  });

  test.each([
    ['locked', 'E=647 R=0 C='],
    ['unavailable', 'E=691 R=0 C='],
  ] as const)('%s: %s..., at once for good', (denial, start) => {
    const server = authenticator();
    begin(server);
    feed(server, wrongResponse(0x40));
    const refused = judge(server, denied(denial));
    const failure = packetIn(refused);
    expect(failure.kind === 'failure' && failure.message.startsWith(start)).toBe(true);
    expect(refused.slice(1)).toEqual([
      { kind: 'attempt-failed', identity: 'vpnuser', denial, retriesLeft: 0 },
      { kind: 'reject', identity: 'vpnuser', denial },
    ]);
  });

  test('the same Response again: nothing while it is looked at, then the same answer, for ever', () => {
    const server = authenticator();
    const client = peer();
    const response = sent(feed(client, sent(begin(server))));
    const asked = feed(server, response);
    expect(feed(server, response)).toEqual([]);
    const success = sent(judge(server, verdictOn(asked[0])));
    expect(feed(server, response, 5000)).toEqual([{ kind: 'send', protocol: CHAP, bytes: success }]);
    expect(feed(server, response, 9000)).toEqual([{ kind: 'send', protocol: CHAP, bytes: success }]);
    expect(judge(server, verdictOn(asked[0]))).toEqual([]);
  });

  test('a lost Failure is sent again too, and the attempt counts once', () => {
    const server = authenticator();
    begin(server);
    feed(server, wrongResponse(0x40));
    const failure = sent(judge(server, denied('bad-credentials')));
    expect(feed(server, wrongResponse(0x40))).toEqual([{ kind: 'send', protocol: CHAP, bytes: failure }]);
    feed(server, wrongResponse(0x41));
    expect(judge(server, denied('bad-credentials'))[1]).toMatchObject({ retriesLeft: 1 });
  });

  test('stale identifiers, wrong sizes, other codes and other protocols change nothing', () => {
    const server = authenticator();
    begin(server);
    const short = writeChap({ kind: 'response', identifier: 0x40, value: new Uint8Array(48), name: 'u' });
    const change = writeChap({ kind: 'other', code: 7, identifier: 0x40, data: new Uint8Array(582) });
    for (const bytes of [wrongResponse(0x3f), short, change, new Uint8Array(), Uint8Array.of(2)])
      expect(feed(server, bytes)).toEqual([]);
    expect(server.handle({ kind: 'frame', protocol: 0xc227, bytes: wrongResponse(0x40) }, at0)).toEqual([]);
    expect(judge(server, denied('locked'))).toEqual([]);
    expect(server.nextTimeout()).toBe(3000);
    expect(kinds(feed(server, wrongResponse(0x40)))).toEqual(['verify']);
  });

  test('Windows 98 (flags 0x04) gets a Success without a message', () => {
    const grant = { authenticatorResponse: `S=${'A'.repeat(40)}`, keys: { send: hash, receive: hash } };
    const granted: AuthVerdict = { ok: true, identity: 'u', profile: {}, grant };
    const messageFor = (flags: number): string => {
      const server = authenticator();
      begin(server);
      feed(server, wrongResponse(0x40, flags));
      const packet = packetIn(judge(server, granted));
      return packet.kind === 'success' ? packet.message : '';
    };
    expect(messageFor(0x04)).toBe(`S=${'A'.repeat(40)}`);
    expect(messageFor(0x00)).toMatch(/^S=A{40} M=./);
  });

  test('user names reach the back-end as sent and the log made printable', () => {
    const server = authenticator();
    begin(server);
    const name = 'a\x1b[31m\xe9';
    const asked = feed(server, writeChap({ kind: 'response', identifier: 0x40, value: new Uint8Array(49), name }));
    expect(asked).toMatchObject([{ request: { userName: name } }]);
    expect(judge(server, denied('locked'))[1]).toMatchObject({ identity: 'a.[31m.' });
  });
});

describe('peer', () => {
  const challenge = (identifier: number, fill: number): Uint8Array =>
    writeChap({ kind: 'challenge', identifier, value: new Uint8Array(16).fill(fill), name: 'srv' });

  test('the same challenge gets the same response, a new one a new response', () => {
    const client = peer();
    const first = sent(feed(client, challenge(1, 5)));
    expect(sent(feed(client, challenge(1, 5)))).toEqual(first);
    expect(sent(feed(client, challenge(1, 6)))).not.toEqual(first);
    expect(feed(client, writeChap({ kind: 'challenge', identifier: 2, value: new Uint8Array(8), name: '' }))).toEqual(
      [],
    );
  });

  test.each(['', 'M=come in', `S=${'0'.repeat(40)} M=come in`, 'S=12'])(
    'section 5: a Success that proves nothing ends the session: %j',
    (message) => {
      const client = peer();
      feed(client, challenge(1, 5));
      expect(feed(client, writeChap({ kind: 'success', identifier: 1, message }))).toEqual([
        {
          kind: 'reject',
          identity: 'CORP\\vpnuser',
          denial: 'protocol',
          detail: expect.stringContaining('did not prove that it knows the password'),
        },
      ]);
      expect(feed(client, challenge(2, 5))).toEqual([]);
    },
  );

  test.each([
    ['E=646 R=0 V=3', 'locked'],
    ['E=647 R=0 V=3', 'locked'],
    ['E=648 R=0 V=3', 'expired'],
    ['E=649 R=0 V=3', 'locked'],
    ['E=691 R=1 V=3', 'bad-credentials'],
    ['E=12345 R=0 V=3', 'bad-credentials'],
    ['no', 'bad-credentials'],
  ])('Failure %j means %s', (message, denial) => {
    const client = peer();
    feed(client, challenge(1, 5));
    expect(feed(client, writeChap({ kind: 'failure', identifier: 9, message }))).toEqual([]);
    expect(feed(client, writeChap({ kind: 'failure', identifier: 1, message })).at(-1)).toEqual({
      kind: 'reject',
      identity: 'CORP\\vpnuser',
      denial,
    });
  });

  test('results before any challenge are ignored', () => {
    const client = peer();
    expect(feed(client, writeChap({ kind: 'success', identifier: 0, message: 'S=' }))).toEqual([]);
    expect(feed(client, writeChap({ kind: 'failure', identifier: 0, message: 'E=691 R=0' }))).toEqual([]);
  });

  test('a later challenge on the open link is answered, and accepted only once', () => {
    const client = peer();
    const once = (identifier: number): readonly AuthEffect[] => {
      const server = msChapV2Method().begin({
        role: 'authenticator',
        localName: '',
        random: countingRandom(identifier),
      });
      const asked = feed(server, sent(feed(client, sent(begin(server)))));
      return feed(client, sent(judge(server, verdictOn(asked[0]))));
    };
    expect(kinds(once(10))).toEqual(['accept']);
    expect(once(77)).toEqual([]);
  });
});
