import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import type { AccountingRecord, AccountingSink } from '../../../../core/ports/accounting.ts';
import type { AddressLease, AddressPool } from '../../../../core/ports/addresses.ts';
import type { Authenticator } from '../../../../core/ports/auth.ts';
import type { EapRelay, EapRelayRequest } from '../../../../core/ports/eap-relay.ts';
import type { AdmissionRequest, Attempt, SessionPolicy } from '../../../../core/ports/policy.ts';
import type { SessionFacts } from '../../../../core/ports/session-facts.ts';
import type { SessionListener } from '../../../../core/ports/session-listener.ts';
import { Containment } from '../../../../gateway/containment/containment.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';
import { ORIGIN } from '../../../support/proof-origin.ts';

const { session, peerName } = ORIGIN;
const LATER = new AbortController().signal;
const ATTEMPT: Attempt = { userName: 'alice', source: ipv4(1), at: 0 };
const REQUEST: AdmissionRequest = { session, peerName, identity: 'alice', method: 'pap', profile: {}, at: 0 };
const FACTS: SessionFacts = {
  id: session.id,
  call: session.call,
  peerName,
  identity: 'alice',
  method: 'pap',
  address: undefined,
  ipv6Prefix: undefined,
  encryption: 'none',
  profile: {},
  startedAt: 0,
  upAt: undefined,
  traceId: '',
};
const RECORD: AccountingRecord = {
  facts: FACTS,
  at: 0,
  seconds: 0,
  usage: { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 },
};
const ENDING = { reason: 'idle', detail: '' } as const;

const fail = (): never => {
  throw new Error('hunter2');
};
const never = (): Promise<never> => new Promise(() => undefined);

class Bench {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly telemetry = new MemoryTelemetry();
  readonly containment = new Containment({
    clock: this.clock,
    log: this.log,
    telemetry: this.telemetry,
    timeoutMs: 10_000,
  });

  /** What becomes of something, with as much time as it takes. */
  async outcome(asked: unknown): Promise<unknown> {
    const settled = Promise.resolve(asked).catch((cause: unknown) => String(cause));
    await this.clock.advance(20_000);
    return settled;
  }

  get failures(): readonly unknown[] {
    return this.telemetry.events.map(({ attributes }) => `${attributes['port']} ${attributes['why']}`);
  }
}

/** Something of a plug-in in JavaScript: whatever it does, no compiler has seen it. */
const wild = <T>(one: object): T => one as T;

describe('a session policy', () => {
  const contained = (bench: Bench, policy: object) =>
    bench.containment.policy(wild<SessionPolicy>({ name: 'acme', ...policy }));

  it('that says nothing keeps nobody out', () => {
    const policy = contained(new Bench(), {});
    policy.tried(ATTEMPT, undefined);
    expect([policy.mayTry(ATTEMPT), policy.mayPass(ATTEMPT), policy.admit]).toEqual([true, true, undefined]);
  });

  it('is asked and told what it is made for', async () => {
    const told: unknown[] = [];
    const policy = contained(new Bench(), {
      mayTry: () => false,
      tried: (...what: unknown[]) => void told.push(what),
      admit: ({ identity }: AdmissionRequest) => ({ admit: true, profile: { message: identity } }),
    });
    policy.tried(ATTEMPT, 'bad-credentials');
    expect([policy.mayTry(ATTEMPT), told]).toEqual([false, [[ATTEMPT, 'bad-credentials']]]);
    expect(await policy.admit?.(REQUEST, LATER)).toEqual({ admit: true, profile: { message: 'alice' } });
  });

  it('that throws lets nobody in', async () => {
    const bench = new Bench();
    const policy = contained(bench, { mayTry: fail, mayPass: fail, tried: fail, admit: fail });
    policy.tried(ATTEMPT, undefined);
    expect([policy.mayTry(ATTEMPT), policy.mayPass(ATTEMPT)]).toEqual([false, false]);
    expect(await policy.admit?.(REQUEST, LATER)).toMatchObject({ admit: false, denial: 'unavailable' });
    expect(bench.failures).toEqual(Array(4).fill('session-policy plugin-threw'));
    expect(JSON.stringify(bench.log.lines)).not.toContain('hunter2');
  });

  it.each<[string, () => unknown]>([
    ['hangs', never],
    ['answers nothing', () => undefined],
    ['answers yes', () => true],
    ['forgets to say why', () => ({ admit: false })],
    ['gives a profile that is none', () => ({ admit: true, profile: { rate: 'fast' } })],
  ])('that %s lets nobody in', async (_, admit) => {
    const bench = new Bench();
    const policy = contained(bench, { admit });
    expect(await bench.outcome(policy.admit?.(REQUEST, LATER))).toMatchObject({ admit: false, denial: 'unavailable' });
  });
});

describe('a policy, back-end or pool that is async where its port is not', () => {
  it('has failed, and what comes of it ends nothing', async () => {
    const bench = new Bench();
    const later = () => Promise.reject(new Error('hunter2'));
    const policy = bench.containment.policy(wild<SessionPolicy>({ name: 'acme', mayTry: later }));
    const backEnd = bench.containment.authenticator(
      wild<Authenticator>({ name: 'acme', supports: later, reservedAddresses: later }),
    );
    expect([policy.mayTry(ATTEMPT), backEnd.supports('pap'), backEnd.reservedAddresses?.()]).toEqual([
      false,
      true,
      new Set(),
    ]);
    await bench.clock.advance(0);
    expect(bench.failures).toEqual([
      'session-policy plugin-answer',
      'authenticator plugin-answer',
      'authenticator plugin-answer',
    ]);
  });

  it('may reserve nothing but a set', () => {
    const backEnd = new Bench().containment.authenticator(
      wild<Authenticator>({ name: 'acme', supports: () => true, reservedAddresses: () => [1, 2] }),
    );
    expect(backEnd.reservedAddresses?.()).toEqual(new Set());
  });

  it('may fail to say how many addresses there are', () => {
    const getter = { get: fail };
    const pool = new Bench().containment.pool(
      wild<AddressPool>(Object.defineProperties({}, { size: getter, inUse: getter })),
    );
    expect([pool.size, pool.inUse]).toEqual([0, 0]);
  });
});

describe('a back-end', () => {
  const contained = (bench: Bench, backEnd: object) =>
    bench.containment.authenticator(wild<Authenticator>({ name: 'acme', supports: () => true, ...backEnd }));
  const ask = (backEnd: Authenticator) =>
    backEnd.verify('pap', { userName: 'alice', password: new Uint8Array() }, LATER, ORIGIN);

  it('gives its answer', async () => {
    const answers = [
      { ok: true, identity: 'alice', profile: { address: 1 }, grant: {} },
      { ok: false, denial: 'unknown-user' },
    ];
    for (const answer of answers)
      expect(await ask(contained(new Bench(), { verify: async () => answer }))).toBe(answer);
  });

  it('fails with what it threw, which the caller logs', async () => {
    const bench = new Bench();
    expect(await bench.outcome(ask(contained(bench, { verify: fail })))).toBe('Error: hunter2');
    expect([bench.failures, bench.log.lines]).toEqual([['authenticator plugin-threw'], []]);
  });

  it.each<[string, () => unknown]>([
    ['plugin-timeout', never],
    ['plugin-answer', async () => undefined],
    ['plugin-answer', async () => ({ ok: true })],
    ['plugin-answer', async () => ({ ok: true, identity: 'alice', profile: {} })],
    ['plugin-answer', async () => ({ ok: false, denial: 'no' })],
  ])('fails as %s', async (word, verify) => {
    const bench = new Bench();
    expect(await bench.outcome(ask(contained(bench, { verify })))).toContain('PluginFailure');
    expect(bench.failures).toEqual([`authenticator ${word}`]);
  });

  it('without keys where its kind of proof has some has no answer', async () => {
    const bench = new Bench();
    const keys = { send: new Uint8Array(16), receive: new Uint8Array(16) };
    const judge = (grant: object) => {
      const verify = async () => ({ ok: true, identity: 'alice', profile: {}, grant });
      const octets = new Uint8Array();
      const request = { userName: '', authenticatorChallenge: octets, peerChallenge: octets, ntResponse: octets };
      return bench.outcome(contained(bench, { verify }).verify('ms-chap-v2', request, LATER, ORIGIN));
    };
    expect(await judge({ authenticatorResponse: 'S=', keys })).toMatchObject({ ok: true });
    expect(await judge({ authenticatorResponse: 'S=', keys: { ...keys, send: new Uint8Array(8) } })).toContain(
      'Failure',
    );
    expect(await judge({ keys })).toContain('PluginFailure');
  });

  it('that one peer makes throw is asked for others', async () => {
    const bench = new Bench();
    const backEnd = contained(bench, { verify: fail });
    for (let at = 0; at < 20; at += 1) expect(await bench.outcome(ask(backEnd))).toBe('Error: hunter2');
    const other = { ...ORIGIN, session: { ...session, call: { ...session.call, peer: ipv4(0x0a090909) } } };
    const octets = new Uint8Array();
    const elsewhere = (): Promise<unknown> =>
      backEnd.verify('pap', { userName: 'bob', password: octets }, LATER, other);
    expect(await bench.outcome(elsewhere())).toBe('Error: hunter2');
    expect(bench.log.events('error')).toEqual(['plugin.resting']);
  });

  it('that cannot say what it supports is asked; what it cannot reserve is free', () => {
    const bench = new Bench();
    const backEnd = contained(bench, { supports: fail, reservedAddresses: fail });
    expect([backEnd.supports('pap'), backEnd.reservedAddresses?.()]).toEqual([true, new Set()]);
  });
});

describe('an address pool', () => {
  const A = ipv4(0x0a000001);
  const released: number[] = [];
  const contained = (bench: Bench, lease: () => unknown) =>
    bench.containment.pool(
      wild<AddressPool>({
        gatewayAddress: A,
        size: 3,
        inUse: 1,
        lease,
        release: (one: number) => void released.push(one),
      }),
    );
  const UNAVAILABLE: AddressLease = { ok: false, why: 'unavailable' };

  it('answers at once where it can', () => {
    const bench = new Bench();
    const pool = contained(bench, () => ({ ok: true, address: A }));
    expect(pool.lease()).toEqual({ ok: true, address: A });
    expect([pool.gatewayAddress, pool.size, pool.inUse]).toEqual([A, 3, 1]);
  });

  it.each<[string, () => unknown]>([
    ['throws', fail],
    ['answers nothing', () => undefined],
    ['answers a word', () => '10.0.0.1'],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['hangs', never],
    ['promises nonsense', async () => ({ ok: true, address: '10.0.0.1' })],
  ])('that %s is unavailable', async (_, lease) => {
    const bench = new Bench();
    expect(await bench.outcome(contained(bench, lease).lease())).toEqual(UNAVAILABLE);
    expect(bench.failures).toHaveLength(1);
  });

  it('gets back what it gives too late, and is not asked while it rests', async () => {
    const bench = new Bench();
    const answers: ((lease: AddressLease) => void)[] = [];
    const pool = contained(bench, () => new Promise((resolve) => void answers.push(resolve)));
    for (let at = 0; at < 5; at += 1) expect(await bench.outcome(pool.lease())).toEqual(UNAVAILABLE);
    // The last failure was ten seconds ago, so one question is let through.
    const probe = pool.lease();
    expect([pool.lease(), answers.length]).toEqual([UNAVAILABLE, 6]);
    answers.forEach((answer, at) => {
      answer({ ok: true, address: ipv4(at) });
    });
    expect(await bench.outcome(probe)).toEqual({ ok: true, address: ipv4(5) });
    expect(released.splice(0)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('an EAP relay', () => {
  const request: EapRelayRequest = { identity: 'a', message: new Uint8Array(5), state: undefined, session, peerName };
  const ask = (bench: Bench, answer: () => unknown) =>
    bench.containment.relay(wild<EapRelay>({ name: 'acme', ask: answer })).ask(request, LATER);

  it.each([
    { kind: 'challenge', message: new Uint8Array(6), state: 1 },
    { kind: 'accept', identity: 'alice', profile: {} },
    { kind: 'reject', denial: 'bad-credentials' },
    { kind: 'not-mine' },
  ])('answers $kind', async (answer) => {
    expect(await ask(new Bench(), async () => answer)).toBe(answer);
  });

  it('is a step of the span that is given', async () => {
    const bench = new Bench();
    const span = bench.telemetry.tunnel({}).phase('auth').step('auth.task');
    const relay = bench.containment.relay({ name: 'acme', ask: async () => ({ kind: 'not-mine' }) });
    await relay.ask(request, LATER, span);
    expect(bench.telemetry.traces[0]?.phases[0]?.steps[0]?.steps).toMatchObject([
      { name: 'plugin.acme', attributes: { 'pptp.plugin.port': 'eap-relay' }, ended: true },
    ]);
  });

  it.each([
    { kind: 'challenge', message: new Uint8Array(3) },
    { kind: 'accept', identity: 'alice' },
    { kind: 'accept', identity: 'alice', profile: {}, keys: { send: new Uint8Array(32), receive: new Uint8Array(32) } },
    { kind: 'reject' },
    { kind: 'other' },
    null,
  ])('fails with %j', async (answer) => {
    const bench = new Bench();
    expect(await bench.outcome(ask(bench, async () => answer))).toContain('PluginFailure');
  });
});

describe('those that are only told', () => {
  it('are told', () => {
    const bench = new Bench();
    const told: string[] = [];
    const tell = (word: string) => () => void told.push(word);
    const sink = bench.containment.sink({
      name: 's',
      start: tell('start'),
      interim: tell('interim'),
      stop: tell('stop'),
    });
    sink.start(RECORD);
    sink.interim(RECORD);
    sink.stop(RECORD, ENDING);
    const listener = bench.containment.listener({
      name: 'l',
      up: tell('up'),
      changed: tell('changed'),
      down: tell('down'),
    });
    listener.up(FACTS, session);
    listener.changed(FACTS, session);
    listener.down(FACTS, ENDING, RECORD.usage, session);
    expect(told).toEqual(['start', 'interim', 'stop', 'up', 'changed', 'down']);
  });

  it('may throw, at once or later, and may leave out what they do not want to know', async () => {
    const bench = new Bench();
    const later = () => Promise.reject(new Error('no'));
    const sink = bench.containment.sink(wild<AccountingSink>({ name: 's', start: fail, interim: later }));
    sink.start(RECORD);
    sink.interim(RECORD);
    sink.stop(RECORD, ENDING);
    const listener = bench.containment.listener(wild<SessionListener>({ name: 'l', up: fail, changed: later }));
    listener.up(FACTS, session);
    listener.changed(FACTS, session);
    listener.down(FACTS, ENDING, RECORD.usage, session);
    await bench.clock.advance(0);
    expect(bench.failures.toSorted()).toEqual([
      ...Array(3).fill('accounting-sink plugin-threw'),
      ...Array(2).fill('session-listener plugin-threw'),
    ]);
  });
});
