import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../../../core/bytes/ascii.ts';
import type { EapRelayAnswer, EapRelayRequest } from '../../../../../core/ports/eap-relay.ts';
import { EAP_TYPE, parseEap, writeEap } from '../../../../../core/wire/eap.ts';
import { Judgement } from '../../../../../plugins/radius/auth/index.ts';
import { RadiusEapRelay } from '../../../../../plugins/radius/relay/index.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  CODE,
  firstOf,
  hideKey,
  joinEap,
  octets,
  splitEap,
} from '../../../../../plugins/radius/wire/index.ts';
import { FakeClock, MemoryLog } from '../../../../../testing/index.ts';
import { ORIGIN } from '../../../../support/proof-origin.ts';
import { BENCH_SECRET, radiusClient } from '../../../../support/radius-bench.ts';
import { RadiusUsers } from '../../../../support/radius-users.ts';

const setUp = (passRejected = false) => {
  const log = new MemoryLog();
  const server = new RadiusUsers(BENCH_SECRET, { alice: { password: 'wonderland' } });
  const relay = new RadiusEapRelay(
    { nas: { identifier: 'gw', address: undefined, portType: 5 }, passRejected },
    { client: radiusClient(server, new FakeClock(), log), judgement: new Judgement(log) },
  );
  const ask = (changes: Partial<EapRelayRequest> = {}): Promise<EapRelayAnswer> =>
    relay.ask(
      { ...ORIGIN, identity: 'alice', message: identity(4, 'alice'), state: undefined, mtu: 1400, ...changes },
      new AbortController().signal,
    );
  return { server, ask, log };
};

const identity = (identifier: number, name: string): Uint8Array =>
  writeEap({ kind: 'response', identifier, type: EAP_TYPE.identity, data: asciiBytes(name) });
const request = writeEap({ kind: 'request', identifier: 5, type: 25, data: new Uint8Array(600) });
const success = writeEap({ kind: 'success', identifier: 5 });
const failure = writeEap({ kind: 'failure', identifier: 5 });
const state = octets(ATTRIBUTE.state, Uint8Array.of(1, 2, 3));
const reply =
  (code: number, ...attributes: Attribute[]) =>
  () => ({ code, attributes });

describe('RadiusEapRelay', () => {
  it('takes the identity to the server with what it needs to know of the link', async () => {
    const { server, ask } = setUp();
    await ask();
    const { attributes } = server.last;
    expect(attributes[0]).toMatchObject({ type: 80 });
    expect(firstOf(attributes, ATTRIBUTE.userName)).toBe('alice');
    expect(joinEap(attributes)).toEqual(identity(4, 'alice'));
    expect(firstOf(attributes, ATTRIBUTE.framedMtu)).toBe(1390);
    expect(firstOf(attributes, ATTRIBUTE.state)).toBeUndefined();
  });

  it('joins what the server splits, and gives its State back', async () => {
    const { server, ask } = setUp();
    server.instead = reply(CODE.accessChallenge, ...splitEap(request), state, attribute(ATTRIBUTE.sessionTimeout, 30));
    const first = await ask();
    expect(first).toMatchObject({ kind: 'challenge', message: request, patienceSeconds: 30 });
    const response = writeEap({ kind: 'response', identifier: 5, type: 25, data: new Uint8Array(900).fill(7) });
    await ask({ message: response, state: first.kind === 'challenge' ? first.state : undefined });
    expect(joinEap(server.last.attributes)).toEqual(response);
    expect(firstOf(server.last.attributes, ATTRIBUTE.state)).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('an exchange stays with its server', async () => {
    const answered: string[] = [];
    const servers = ['one', 'two'].map((name) => {
      const server = new RadiusUsers(BENCH_SECRET, {});
      server.instead = () => {
        answered.push(name);
        return { code: CODE.accessChallenge, attributes: [...splitEap(request), state] };
      };
      return server;
    });
    const relay = new RadiusEapRelay(
      { nas: { identifier: 'gw', address: undefined, portType: 5 }, passRejected: false },
      {
        client: radiusClient(
          { receive: (bytes) => (servers[answered.length % 2] ?? expect.fail()).receive(bytes) },
          new FakeClock(),
          new MemoryLog(),
          {
            servers: [
              { host: 'radius', port: 1812, weight: 1 },
              { host: 'radius', port: 1813, weight: 1 },
            ],
          },
        ),
        judgement: new Judgement(new MemoryLog()),
      },
    );
    const { signal } = new AbortController();
    const ask = (of: unknown) =>
      relay.ask({ ...ORIGIN, identity: 'alice', message: identity(4, 'alice'), state: of }, signal);
    const places = [];
    let last: unknown;
    for (let round = 0; round < 4; round += 1) {
      const answer = await ask(last);
      last = answer.kind === 'challenge' ? answer.state : expect.fail(answer.kind);
      places.push((last as { readonly server: number }).server);
    }
    expect(new Set(places).size).toBe(1);
  });

  it('accepts with profile, name and the first 16 octets of each key', async () => {
    const { server, ask } = setUp();
    const key = (first: number) => Uint8Array.from({ length: 32 }, (_, i) => first + i);
    server.instead = ({ authenticator }) => {
      const hide = (plain: Uint8Array, salt: number) =>
        hideKey(plain, Uint8Array.of(0x80, salt), new TextEncoder().encode(BENCH_SECRET), authenticator);
      return {
        code: CODE.accessAccept,
        attributes: [
          attribute(ATTRIBUTE.userName, 'alice@inner'),
          attribute(ATTRIBUTE.idleTimeout, 300),
          octets(ATTRIBUTE.msMppeSendKey, hide(key(1), 1)),
          octets(ATTRIBUTE.msMppeRecvKey, hide(key(101), 2)),
          ...splitEap(success),
        ],
      };
    };
    expect(await ask()).toEqual({
      kind: 'accept',
      identity: 'alice@inner',
      profile: { idleSeconds: 300 },
      message: success,
      keys: { send: key(1).slice(0, 16), receive: key(101).slice(0, 16) },
    });
  });

  it('accepts without keys, and says that there are none', async () => {
    const { server, ask, log } = setUp();
    server.instead = reply(CODE.accessAccept, ...splitEap(success));
    const answer = await ask();
    expect(answer).toMatchObject({ kind: 'accept', identity: 'alice' });
    expect(answer).not.toHaveProperty('keys');
    expect(log.events('warn')).toEqual(['radius.no-keys']);
  });

  it('rejects with the Failure of the server, or without one', async () => {
    const { server, ask } = setUp();
    server.instead = reply(CODE.accessReject, ...splitEap(failure));
    expect(await ask()).toEqual({ kind: 'reject', denial: 'bad-credentials', message: failure });
    server.instead = reply(CODE.accessReject);
    expect(await ask()).toEqual({ kind: 'reject', denial: 'bad-credentials' });
  });

  it('a user whom the server rejects at once may be one of the gateway', async () => {
    const { server, ask } = setUp(true);
    server.instead = reply(CODE.accessChallenge, ...splitEap(request), state);
    const first = await ask();
    server.instead = reply(CODE.accessReject, ...splitEap(failure));
    expect(await ask()).toEqual({ kind: 'not-mine' });
    expect(await ask({ state: first.kind === 'challenge' ? first.state : undefined })).toMatchObject({
      kind: 'reject',
    });
  });

  it.each([
    ['a challenge without EAP', reply(CODE.accessChallenge, state)],
    ['a challenge with something else than a Request', reply(CODE.accessChallenge, ...splitEap(success))],
    ['an accept with a Failure in it', reply(CODE.accessAccept, ...splitEap(failure))],
    ['an accept that wants what is not possible', reply(CODE.accessAccept, attribute(ATTRIBUTE.framedProtocol, 3))],
  ])('lets nobody in for %s', async (_what, instead) => {
    const { server, ask } = setUp();
    server.instead = instead;
    expect(await ask()).toMatchObject({ kind: 'reject', denial: 'unavailable' });
  });

  it('a peer without a name is named by where it calls from', async () => {
    const { server, ask } = setUp();
    await ask({ identity: '', message: identity(4, '') });
    expect(firstOf(server.last.attributes, ATTRIBUTE.userName)).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  });

  it('a name that RADIUS cannot carry is nobody there', async () => {
    const { server, ask } = setUp();
    const name = 'a'.repeat(254);
    expect(await ask({ identity: name, message: identity(4, name) })).toMatchObject({ denial: 'bad-credentials' });
    expect(server.requests).toEqual([]);
  });

  it('the server sees what the peer says, octet by octet', async () => {
    const { server, ask } = setUp();
    server.instead = reply(CODE.accessChallenge, ...splitEap(request), state);
    const answer = await ask({ identity: 'zo\u00c3\u00ab' });
    expect(firstOf(server.last.attributes, ATTRIBUTE.userName)).toBe('zoë');
    expect(answer.kind === 'challenge' && parseEap(answer.message)?.kind).toBe('request');
  });
});
