import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../core/bytes/hex.ts';
import type { LinkOptions } from '../../core/machine/ppp-link-types.ts';
import type { AuthDenial, AuthMethod } from '../../core/ports/auth.ts';
import { writeChap } from '../../core/wire/chap.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { CODE, encodeConfigPacket, parseConfigPacket, parseOptions } from '../../core/wire/ppp-config.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { LinkBench } from '../support/link-bench.ts';
import { serverOptions } from '../support/link-options.ts';
import { LinkPair, type PairOptions } from '../support/link-pair.ts';
import { OneUser } from '../support/one-user.ts';

const ALL = [papMethod(), chapMd5Method(), msChapV1Method(), msChapV2Method()];
const KEYLESS = ALL.filter((method) => !method.yieldsKeys);
const KEYED = ALL.filter((method) => method.yieldsKeys);

interface Situation extends Omit<PairOptions, 'verify'> {
  readonly methods: readonly AuthMethod[];
  readonly clientMethods?: readonly AuthMethod[];
  readonly user?: OneUser;
  readonly common?: Partial<LinkOptions>;
}

const pair = ({ methods, clientMethods, user = new OneUser('secret'), common, ...options }: Situation): LinkPair =>
  new LinkPair({
    ...options,
    verify: user.verify,
    server: { authMethods: methods, ...common, ...options.server },
    client: { authMethods: clientMethods ?? methods, ...common, ...options.client },
  }).open();

describe.each(ALL)('$name on a link', (method) => {
  it('comes up without encryption where that is allowed', () => {
    const { server, client } = pair({ methods: [method], common: { encryption: 'disabled' } }).run(5000);
    expect(server.last('authenticated')).toMatchObject({ method: method.name, identity: 'alice' });
    expect(client.network?.localAddress).toBe(server.network?.peerAddress);
    expect([server.encryption, client.encryption]).toEqual([undefined, undefined]);
  });

  it('ends on both sides with the reason when the password is wrong', () => {
    const { server, client } = pair({
      methods: [method],
      common: { encryption: 'permitted' },
      client: { password: 'guess' },
    }).run(120_000);
    expect(server.closed).toMatchObject({ reason: 'authentication-failed' });
    expect(server.closed?.detail).toContain(`${method.name}: wrong user name or password`);
    expect(server.all('attempt-failed')).toHaveLength(1);
    expect(client.closed).toBeDefined();
    expect([server.all('network'), client.all('network')]).toEqual([[], []]);
  });

  it('comes up over a path that loses, doubles and delays', () => {
    const path = { loss: 0.1, duplication: 0.1, jitterMs: 50 };
    const runs = Array.from({ length: 10 }, (_, seed) =>
      pair({ methods: [method], common: { encryption: 'disabled' }, path, seed: seed + 1 }).run(90_000),
    );
    const up = runs.filter(({ server, client }) => server.network !== undefined && client.network !== undefined);
    expect(up.length).toBeGreaterThan(6);
    for (const { server } of runs.filter((one) => !up.includes(one))) expect(server.closed?.detail).toBeTruthy();
  });
});

describe.each(KEYED)('$name with MPPE', (method) => {
  it('encrypts with 128 bits, crosswise the same keys', () => {
    const { server, client } = pair({ methods: [method] }).run(2000);
    expect(server.encryption).toMatchObject({ strength: 128, stateless: true });
    expect(server.encryption?.keys?.send).toEqual(client.encryption?.keys?.receive);
    expect(server.encryption?.keys?.receive).toEqual(client.encryption?.keys?.send);
    expect(server.network).toBeDefined();
  });

  it('changes an expired password and comes up with keys of the new one', () => {
    const user = new OneUser('secret', true);
    const { server, client } = pair({ methods: [method], user, client: { newPassword: 'better' } }).run(5000);
    expect(user).toMatchObject({ password: 'better', expired: false });
    expect(server.all('attempt-failed')).toMatchObject([{ denial: 'expired' }]);
    expect(server.encryption).toMatchObject({ strength: 128 });
    expect(server.encryption?.keys?.send).toEqual(client.encryption?.keys?.receive);
    expect(server.network).toBeDefined();
  });

  it('says that it was changed, and proves itself with the new one when LCP is negotiated anew', () => {
    const user = new OneUser('secret', true);
    const link = pair({ methods: [method], user, client: { newPassword: 'better' } }).run(5000);
    const changes = () => link.client.all('note').filter(({ event }) => event === 'auth.password-changed');
    expect(changes()).toHaveLength(1);
    // An LCP Configure-Request, as if the server began anew; the client's own makes the server follow.
    link.input('client', { kind: 'frame', protocol: PPP.lcp, bytes: fromHex('01 70 0004') });
    link.run(10_000);
    expect(link.server.all('authenticated')).toHaveLength(2);
    expect(link.server.all('attempt-failed')).toHaveLength(1);
    expect(link.server.network).toBeDefined();
    expect([link.server.closed, link.client.closed]).toEqual([undefined, undefined]);
    expect(changes()).toHaveLength(1);
  });

  it('changes it also when the way loses packets', () => {
    const runs = Array.from({ length: 8 }, (_, seed) => {
      const user = new OneUser('secret', true);
      const link = pair({ methods: [method], user, client: { newPassword: 'better' }, path: { loss: 0.1 }, seed });
      return { user, link: link.run(90_000) };
    });
    const up = runs.filter(({ link }) => link.server.network !== undefined && link.client.network !== undefined);
    expect(up.length).toBeGreaterThan(3);
    for (const { user } of up) expect(user.password).toBe('better');
    for (const { link } of runs.filter((one) => !up.includes(one))) expect(link.server.closed?.detail).toBeTruthy();
  });

  it('without a new password it ends: expired', () => {
    const { server, client } = pair({ methods: [method], user: new OneUser('secret', true) }).run(90_000);
    expect(server.closed?.detail).toContain(`${method.name}: the password has expired`);
    expect(client.closed?.detail).toContain('the password has expired');
  });
});

describe('strengths', () => {
  it('MS-CHAPv1 never agrees to less than 128 bits, whatever is allowed', () => {
    const common = { mppeStrengths: [128, 56, 40] as const };
    const { server } = pair({ methods: [msChapV1Method()], common }).run(2000);
    expect(server.encryption).toMatchObject({ strength: 128 });
    const weak = pair({ methods: [msChapV1Method()], common: { mppeStrengths: [40] } }).run(60_000);
    expect(weak.server.closed?.reason).toBe('encryption-required');
    expect(weak.server.encryption).toBeUndefined();
  });
});

describe('which method', () => {
  it.each(ALL)('all are offered, the client takes $name: agreed by Nak', (method) => {
    const { server } = pair({ methods: ALL, clientMethods: [method], common: { encryption: 'disabled' } }).run(5000);
    expect(server.last('authenticated')).toMatchObject({ method: method.name });
    expect(server.network).toBeDefined();
  });

  it('both know all: the strongest', () => {
    const { server } = pair({ methods: ALL }).run(2000);
    expect(server.last('authenticated')).toMatchObject({ method: 'ms-chap-v2' });
  });

  it.each(KEYLESS)('with required encryption $name is not offered beside one with keys', (method) => {
    const { server } = pair({ methods: ALL, clientMethods: [method] }).run(60_000);
    expect(server.closed).toMatchObject({
      reason: 'encryption-required',
      detail: `encryption is required and ${method.name} yields no keys: we allow ms-chap-v2, ms-chap-v1; the peer offers ${method.name}`,
    });
    expect(server.all('verify')).toEqual([]);
  });

  it('a client that has only PAP and a server that has only MS-CHAPv2 part, and both say why', () => {
    const { server, client } = pair({
      methods: [msChapV2Method()],
      clientMethods: [papMethod()],
      common: { encryption: 'permitted' },
    }).run(60_000);
    const detail = 'no common authentication method: we allow ms-chap-v2; the peer offers pap';
    expect(server.closed).toMatchObject({ reason: 'authentication-failed', detail });
    expect(server.all('attempt-failed')).toEqual([]);
    expect(client.closed).toBeDefined();
  });
});

describe('a person at the keyboard', () => {
  const response = (identifier: number): Uint8Array =>
    writeChap({ kind: 'response', identifier, value: new Uint8Array(49).with(48, 1), name: 'alice' });
  const change = (identifier: number): Uint8Array =>
    writeChap({ kind: 'other', code: 6, identifier, data: new Uint8Array(1114).with(1113, 1) });
  const authenticating = (): { readonly bench: LinkBench; readonly identifier: number } => {
    const bench = new LinkBench(serverOptions({ authMethods: [msChapV1Method()], encryption: 'permitted' }));
    bench.open();
    bench.frame(PPP.lcp, encodeConfigPacket(CODE.configureRequest, 1, new Uint8Array(0)));
    bench.acknowledge(PPP.lcp);
    const challenge = bench.all('send').findLast(({ protocol }) => protocol === PPP.chap);
    return { bench, identifier: challenge?.bytes[1] ?? 0 };
  };
  const deny = (bench: LinkBench, denial: AuthDenial): void => {
    bench.input({ kind: 'verdict', verdict: { ok: false, denial } });
  };

  it('gets it right at the third attempt, with a password that has expired, and may still change it', () => {
    const { bench, identifier } = authenticating();
    for (const [n, denial] of (['bad-credentials', 'bad-credentials', 'expired'] as const).entries()) {
      bench.frame(PPP.chap, response((identifier + n) & 255));
      deny(bench, denial);
    }
    bench.frame(PPP.chap, change((identifier + 3) & 255));
    expect(bench.all('verify').at(-1)).toMatchObject({ method: 'ms-chap-v1-change' });
    const keys = { send: new Uint8Array(16), receive: new Uint8Array(16) };
    bench.input({ kind: 'verdict', verdict: { ok: true, identity: 'alice', profile: {}, grant: { keys } } });
    expect(bench.all('authenticated')).toHaveLength(1);
    expect(bench.closed).toBeUndefined();
  });

  it('who fails at the change gets no further attempt, by starting LCP anew neither', () => {
    const { bench, identifier } = authenticating();
    bench.frame(PPP.chap, response(identifier));
    deny(bench, 'expired');
    bench.frame(PPP.lcp, encodeConfigPacket(CODE.configureRequest, 2, new Uint8Array(0)));
    bench.acknowledge(PPP.lcp);
    const challenge = bench.all('send').findLast(({ protocol }) => protocol === PPP.chap);
    bench.frame(PPP.chap, response(challenge?.bytes[1] ?? 0));
    deny(bench, 'bad-credentials');
    expect(bench.all('phase').at(-1)).toMatchObject({ phase: 'auth', state: 'failed', error: 'authentication-failed' });
  });
});

describe('scripted peers', () => {
  const AUTH = 3;
  /** The Authentication-Protocol asked for in the last LCP Configure-Request, or undefined. */
  const asked = (bench: LinkBench): string | undefined => {
    const frame = bench.effects.findLast(
      (effect) => effect.kind === 'send' && effect.protocol === PPP.lcp && effect.bytes[0] === CODE.configureRequest,
    );
    const packet = frame?.kind === 'send' ? parseConfigPacket(frame.bytes) : undefined;
    const option = parseOptions(packet?.data ?? new Uint8Array(0))?.find(({ type }) => type === AUTH);
    return option === undefined ? undefined : toHex(option.data);
  };
  const identifierOf = (bench: LinkBench): number => {
    const frame = bench.effects.findLast(
      (effect) => effect.kind === 'send' && effect.protocol === PPP.lcp && effect.bytes[0] === CODE.configureRequest,
    );
    return frame?.kind === 'send' ? (frame.bytes[1] ?? 0) : 0;
  };
  const nak = (bench: LinkBench, option: string): void => {
    const data = fromHex(`03${(option.length / 2 + 2).toString(16).padStart(2, '0')}${option}`);
    bench.frame(PPP.lcp, encodeConfigPacket(CODE.configureNak, identifierOf(bench), data));
  };
  const server = (methods: readonly AuthMethod[], encryption: LinkOptions['encryption'] = 'permitted'): LinkBench => {
    const bench = new LinkBench(serverOptions({ authMethods: methods, encryption }));
    bench.input({ kind: 'open' });
    return bench;
  };

  it('a Nak that names a method of ours is followed, whatever its rank', () => {
    const bench = server(ALL);
    expect(asked(bench)).toBe('c22381');
    nak(bench, 'c023');
    expect(asked(bench)).toBe('c023');
  });

  it('a Nak that names none of ours leads to the next, down to the last and no further', () => {
    const bench = server([msChapV2Method(), msChapV1Method(), chapMd5Method()]);
    const offers: (string | undefined)[] = [asked(bench)];
    for (let n = 0; n < 2; n += 1) {
      nak(bench, 'c023');
      offers.push(asked(bench));
    }
    expect(offers).toEqual(['c22381', 'c22380', 'c22305']);
    nak(bench, 'c023');
    expect(asked(bench)).toBe('c22305');
    expect(bench.effects.some(({ kind }) => kind === 'framing')).toBe(false);
    const failed = bench.effects.findLast((effect) => effect.kind === 'phase');
    expect(failed).toMatchObject({ state: 'failed', error: 'authentication-failed' });
  });

  it('a peer cannot talk the server into what it has already refused', () => {
    const bench = server([msChapV2Method(), msChapV1Method()]);
    nak(bench, 'c22380');
    expect(asked(bench)).toBe('c22380');
    nak(bench, 'c22381');
    expect(bench.effects.findLast((effect) => effect.kind === 'phase')).toMatchObject({ state: 'failed' });
  });
});
