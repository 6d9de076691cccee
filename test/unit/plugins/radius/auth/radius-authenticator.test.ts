import { describe, expect, it } from 'vitest';
import { formatIpv4, ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { PEER_HOST_NAME } from '../../../../../core/datapath/session.ts';
import type { AuthKind } from '../../../../../core/ports/auth.ts';
import {
  Judgement,
  RADIUS_KINDS,
  RadiusAuthenticator,
  type RadiusAuthenticatorOptions,
} from '../../../../../plugins/radius/auth/index.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  attributeName,
  CODE,
  firstOf,
  octets,
} from '../../../../../plugins/radius/wire/index.ts';
import { Dice, FakeClock, MemoryLog, proofOf, testSession } from '../../../../../testing/index.ts';
import { ORIGIN } from '../../../../support/proof-origin.ts';
import { BENCH_SECRET, radiusClient } from '../../../../support/radius-bench.ts';
import { RadiusUsers } from '../../../../support/radius-users.ts';

const alice = { userName: 'alice', password: 'wonderland' };

const setUp = (changes: Partial<RadiusAuthenticatorOptions> = {}) => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const server = new RadiusUsers(BENCH_SECRET, { alice, bob: { password: 'builder', expired: true } });
  const client = radiusClient(server, clock, log);
  const authenticator = new RadiusAuthenticator(
    {
      nas: { identifier: 'gw.example', address: undefined, portType: 5 },
      kinds: RADIUS_KINDS,
      stripDomain: false,
      passRejected: false,
      ...changes,
    },
    { client, judgement: new Judgement(log) },
  );
  const ask = (kind: 'pap' | 'chap-md5' | 'ms-chap-v1' | 'ms-chap-v2', credentials = alice) => {
    const { request } = proofOf(kind, credentials, new Dice(3));
    return authenticator.verify<AuthKind>(kind, request, new AbortController().signal, ORIGIN);
  };
  return { clock, log, server, authenticator, ask };
};

const reply = (code: number, ...attributes: Attribute[]) => ({ code, attributes });

describe('RadiusAuthenticator', () => {
  it('says who and where it is, and from where the user calls', async () => {
    const { ask, server } = setUp();
    await ask('ms-chap-v2');
    const { session } = ORIGIN;
    const { attributes } = server.last;
    expect(attributes.map(attributeName)).toEqual([
      'Message-Authenticator',
      'User-Name',
      'MS-CHAP-Challenge',
      'MS-CHAP2-Response',
      'NAS-Identifier',
      'NAS-IP-Address',
      'NAS-Port',
      'NAS-Port-Id',
      'NAS-Port-Type',
      'Service-Type',
      'Framed-Protocol',
      'Calling-Station-Id',
      'Called-Station-Id',
      'Tunnel-Type',
      'Tunnel-Medium-Type',
      'Tunnel-Client-Endpoint',
      'Tunnel-Server-Endpoint',
      'Tunnel-Server-Auth-ID',
      'Acct-Session-Id',
    ]);
    expect(firstOf(attributes, ATTRIBUTE.nasIdentifier)).toBe('gw.example');
    expect(firstOf(attributes, ATTRIBUTE.nasIpAddress)).toBe(session.call.local);
    expect(firstOf(attributes, ATTRIBUTE.nasPort)).toBe(session.call.localCallId);
    expect(firstOf(attributes, ATTRIBUTE.callingStationId)).toBe(formatIpv4(session.call.peer));
    expect(firstOf(attributes, ATTRIBUTE.tunnelType)).toEqual({ tag: 0, value: 1 });
    expect(firstOf(attributes, ATTRIBUTE.acctSessionId)).toBe(session.id);
  });

  it('says what the client calls itself in the control connection', async () => {
    const { authenticator, server } = setUp();
    const session = testSession();
    session.attribute(PEER_HOST_NAME, 'laptop');
    const { request } = proofOf('pap', alice, new Dice(3));
    await authenticator.verify<AuthKind>('pap', request, new AbortController().signal, { session, peerName: '' });
    expect(firstOf(server.last.attributes, ATTRIBUTE.tunnelClientAuthId)).toEqual({ tag: 0, value: 'laptop' });
  });

  it.each(['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v2'] as const)('%s: right and wrong', async (kind) => {
    const { ask } = setUp();
    expect(await ask(kind)).toMatchObject({ ok: true, identity: 'alice', profile: {} });
    expect(await ask(kind, { userName: 'alice', password: 'guess' })).toEqual({ ok: false, denial: 'bad-credentials' });
    expect(await ask(kind, { userName: 'nobody', password: 'x' })).toEqual({ ok: false, denial: 'bad-credentials' });
  });

  it('an expired password is told apart', async () => {
    const { ask } = setUp();
    expect(await ask('ms-chap-v2', { userName: 'bob', password: 'builder' })).toEqual({ ok: false, denial: 'expired' });
  });

  it.each([
    [646, 'locked'],
    [647, 'locked'],
    [648, 'expired'],
    [649, 'locked'],
    [691, 'bad-credentials'],
    [709, 'change-refused'],
  ] as const)('MS-CHAP-Error %i is %s, with the identifier before it or without', async (error, denial) => {
    const { ask, server } = setUp();
    for (const text of [`\u0001E=${error} R=0 V=3`, `E=${error} R=0 V=3 M=no`]) {
      server.instead = () => reply(CODE.accessReject, octets(ATTRIBUTE.msChapError, new TextEncoder().encode(text)));
      expect(await ask('ms-chap-v2')).toEqual({ ok: false, denial });
    }
  });

  it('a rejected user may be one of the next back-end, an expired one not', async () => {
    const { ask } = setUp({ passRejected: true });
    expect(await ask('pap', { userName: 'carol', password: 'x' })).toEqual({ ok: false, denial: 'unknown-user' });
    expect(await ask('ms-chap-v2', { userName: 'bob', password: 'builder' })).toMatchObject({ denial: 'expired' });
  });

  it('a domain in front is left out where it should be', async () => {
    const credentials = { userName: 'CORP\\alice', password: 'wonderland' };
    const kept = setUp();
    await kept.ask('ms-chap-v2', credentials);
    expect(firstOf(kept.server.last.attributes, ATTRIBUTE.userName)).toBe('CORP\\alice');
    const stripped = setUp({ stripDomain: true });
    expect(await stripped.ask('ms-chap-v2', credentials)).toMatchObject({ ok: true });
    expect(firstOf(stripped.server.last.attributes, ATTRIBUTE.userName)).toBe('alice');
  });

  it('the name of the answer is the name of the user', async () => {
    const { ask, server } = setUp();
    server.profile = [attribute(ATTRIBUTE.userName, 'Alice\u0000 Liddell'), attribute(ATTRIBUTE.sessionTimeout, 60)];
    expect(await ask('pap')).toMatchObject({
      ok: true,
      identity: 'Alice. Liddell',
      profile: { sessionSeconds: 60 },
    });
  });

  it('what cannot be honoured refuses the user with a line that names it', async () => {
    const { ask, server, log } = setUp();
    server.profile = [attribute(ATTRIBUTE.framedRoute, 'nowhere'), attribute(ATTRIBUTE.serviceType, 1)];
    expect(await ask('ms-chap-v2')).toEqual({ ok: false, denial: 'unavailable' });
    expect(log.lines.find(({ event }) => event === 'radius.refused')?.message).toBe(
      'The RADIUS server wants what this gateway cannot do: Service-Type is 1, not Framed; ' +
        'Framed-Route "nowhere" is no network.',
    );
  });

  it('what is passed over is logged once', async () => {
    const { ask, server, log } = setUp();
    server.profile = [attribute(ATTRIBUTE.framedCompression, 1)];
    await ask('pap');
    await ask('pap');
    expect(log.events('info')).toEqual(['radius.not-honoured']);
  });

  it('values that differ from user to user do not keep later lines out of the log', async () => {
    const { ask, server, log } = setUp();
    for (let one = 0; one < 300; one += 1) {
      server.profile = [attribute(ATTRIBUTE.framedIpNetmask, ipv4(0xff000000 + one))];
      await ask('pap');
    }
    expect(log.events('info')).toEqual(['radius.not-honoured']);
    server.profile = [];
    server.keys = false;
    await ask('ms-chap-v2');
    expect(log.events('warn')).toEqual(['radius.no-keys']);
  });

  it('without keys the user is proven, and the log says what to set', async () => {
    const { ask, server, log } = setUp();
    server.keys = false;
    expect(await ask('ms-chap-v2')).toMatchObject({ ok: true, grant: { keys: { strengths: [] } } });
    expect(await ask('ms-chap-v1')).toMatchObject({ ok: true, grant: { keys: { strengths: [] } } });
    expect(log.lines.filter(({ event }) => event === 'radius.no-keys')).toHaveLength(1);
    expect(log.lines[0]?.message).toContain('use_mppe = yes');
  });

  it('keys of another length than any are noticed', async () => {
    const { ask, server, log } = setUp();
    server.keys = false;
    server.profile = [octets(ATTRIBUTE.msMppeSendKey, new Uint8Array(18))];
    expect(await ask('ms-chap-v2')).toMatchObject({ ok: true, grant: { keys: { strengths: [] } } });
    expect(log.events('warn')).toEqual(['radius.bad-keys']);
  });

  it('a server that does not judge MS-CHAPv2 itself is of no use for it', async () => {
    const { ask, server, log } = setUp();
    server.instead = () => reply(CODE.accessAccept);
    expect(await ask('ms-chap-v2')).toEqual({ ok: false, denial: 'unavailable' });
    expect(log.events('warn')).toEqual(['radius.no-ms-chap-success']);
  });

  it('a challenge to what has no further round is a clear denial', async () => {
    const { ask, server, log } = setUp();
    server.instead = () => reply(CODE.accessChallenge, octets(ATTRIBUTE.state, Uint8Array.of(1)));
    expect(await ask('pap')).toEqual({ ok: false, denial: 'unavailable' });
    expect(log.lines[0]?.message).toContain('use EAP for it');
  });

  it('rejects when no server answers: the caller makes of it that the back-end is out of order', async () => {
    const { ask, server, clock } = setUp();
    server.instead = () => 'silent';
    const asked = expect(ask('pap')).rejects.toMatchObject({ code: 'no-answer' });
    await clock.advance(10_000);
    await asked;
  });

  it('asks only what it is told to, and nothing that RADIUS cannot carry', async () => {
    const { authenticator, server } = setUp({ kinds: ['ms-chap-v2'] });
    expect(['pap', 'ms-chap-v2', 'certificate'].map((kind) => authenticator.supports(kind as AuthKind))).toEqual([
      false,
      true,
      false,
    ]);
    const long = setUp();
    expect(await long.ask('pap', { userName: 'alice', password: 'x'.repeat(129) })).toMatchObject({
      denial: 'bad-credentials',
    });
    expect(await long.ask('pap', { userName: 'a'.repeat(254), password: 'x' })).toMatchObject({
      denial: 'bad-credentials',
    });
    // A User-Name of no octets: servers drop it, and would be taken for dead.
    expect(await long.ask('pap', { userName: '', password: 'x' })).toMatchObject({ denial: 'bad-credentials' });
    const bare = setUp({ stripDomain: true });
    expect(await bare.ask('pap', { userName: 'CORP\\', password: 'x' })).toMatchObject({ denial: 'bad-credentials' });
    expect([server.requests, long.server.requests, bare.server.requests]).toEqual([[], [], []]);
  });

  it('secrets and passwords are in no line of the log', async () => {
    const { ask, server, log } = setUp();
    server.profile = [attribute(ATTRIBUTE.framedCompression, 1), attribute(ATTRIBUTE.replyMessage, 'hello')];
    for (const kind of ['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v2'] as const) {
      await ask(kind);
      await ask(kind, { userName: 'alice', password: 'guess-of-mine' });
    }
    expect(JSON.stringify(log.lines)).not.toMatch(/wonderland|guess-of-mine|a secret of the bench/);
  });
});
