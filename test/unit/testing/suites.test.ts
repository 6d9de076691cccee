import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { perPacket } from '../../../core/datapath/per-packet.ts';
import type { Session } from '../../../core/datapath/session.ts';
import { STAGE_SLOT, type Stage } from '../../../core/datapath/stage.ts';
import type { AccountingSink } from '../../../core/ports/accounting.ts';
import type { AddressPool } from '../../../core/ports/addresses.ts';
import type { Authenticator, AuthMethod } from '../../../core/ports/auth.ts';
import type { EapEffect, EapMethod } from '../../../core/ports/eap.ts';
import type { EapRelay } from '../../../core/ports/eap-relay.ts';
import type { HandOver } from '../../../core/ports/handover.ts';
import type { SessionPolicy } from '../../../core/ports/policy.ts';
import { CidrPool } from '../../../gateway/session/address-pool.ts';
import { papMethod } from '../../../plugins/auth-pap/index.ts';
import {
  accountingSinkContract,
  addressPoolContract,
  authenticatorContract,
  authMethodContract,
  type ContractSuite,
  eapMethodContract,
  eapRelayContract,
  failuresOf,
  ipsecHookContract,
  lifecycleContract,
  MemoryUsers,
  runContract,
  sessionListenerContract,
  sessionPolicyContract,
  stageContract,
} from '../../../testing/index.ts';

/** The checks that an implementation fails: a suite that lets a broken one pass is worth nothing. */
const failed = async (suite: ContractSuite): Promise<readonly string[]> => [...(await failuresOf(suite)).keys()];

const alice = { userName: 'alice', password: 'wonderland' };
const users = new MemoryUsers({ alice });
const backEnd = (changes: Partial<Authenticator>): Authenticator => ({
  name: 'changed',
  supports: (kind) => users.supports(kind),
  verify: (kind, request) => users.verify(kind, request),
  ...changes,
});
const authenticator = (changes: Partial<Authenticator>, silence?: () => void): ContractSuite =>
  authenticatorContract('changed', async () => ({
    authenticator: backEnd(changes),
    users: [alice],
    ...(silence === undefined ? {} : { silence }),
  }));

describe('the contract of back-ends notices one that', () => {
  it('is in order: nothing', async () => expect(await failed(authenticator({}))).toEqual([]));

  it.each<readonly [string, Partial<Authenticator>, string]>([
    ['supports everything', { supports: () => true }, 'supports no kind that it cannot know'],
    [
      'throws instead of answering',
      {
        verify: (kind, request) => {
          if (request.userName !== 'alice') throw new TypeError('no such user');
          return users.verify(kind, request);
        },
      },
      'lets nobody in who proves nothing, and fails at no request',
    ],
    [
      'rejects for unknown users',
      {
        verify: async (kind, request) => {
          if (request.userName !== 'alice') throw new Error('404');
          return users.verify(kind, request);
        },
      },
      'lets nobody in who proves nothing, and fails at no request',
    ],
    [
      'answers the question before',
      {
        verify: (() => {
          let last: Promise<never> | undefined;
          return async (kind, request) => {
            const before = await last;
            last = users.verify(kind, request) as Promise<never>;
            return before ?? (await last);
          };
        })(),
      },
      'answers many questions at a time, each as if it were alone',
    ],
    [
      'knows words for no that nobody else knows',
      { verify: async () => ({ ok: false, denial: 'no' as 'locked' }) },
      'lets nobody in who proves nothing, and fails at no request',
    ],
    [
      'writes to the request',
      {
        verify: async (kind, request) => {
          const answer = await users.verify(kind, request);
          if ('ntResponse' in request) request.ntResponse.fill(0);
          return answer;
        },
      },
      'leaves the request as it is',
    ],
    [
      'puts the password into the profile',
      {
        verify: async (kind, request) => {
          const answer = await users.verify(kind, request);
          return answer.ok ? { ...answer, profile: { message: 'wonderland' } } : answer;
        },
      },
      'tells no secret, in answers or in errors',
    ],
  ])('%s', async (_, changes, check) => {
    expect(await failed(authenticator(changes))).toContain(check);
  });

  it('lets a wrong password in', async () => {
    const careless = {
      ...backEnd({}),
      supports: (kind: string) => kind === 'pap',
      verify: async () => ({ ok: true, identity: 'alice', profile: {}, grant: {} }) as const,
    } as Authenticator;
    const suite = authenticatorContract('careless', async () => ({ authenticator: careless, users: [alice] }));
    expect(await failed(suite)).toEqual(
      expect.arrayContaining([
        'says no to a wrong password',
        'lets nobody in who proves nothing, and fails at no request',
      ]),
    );
  });
});

describe('the contract of methods notices one that', () => {
  const method = (changes: (one: ReturnType<AuthMethod['begin']>) => Partial<ReturnType<AuthMethod['begin']>>) =>
    authMethodContract('changed', () => {
      const pap = papMethod();
      return {
        method: {
          ...pap,
          begin: (context) => {
            const machine = pap.begin(context);
            return {
              handle: (input, now) => machine.handle(input, now),
              nextTimeout: () => machine.nextTimeout(),
              handleTimeout: (now) => machine.handleTimeout(now),
              ...changes(machine),
            };
          },
        },
      };
    });
  const OCTETS = 'takes any octets at any time as authenticator, and lets nobody in for them';

  it('throws at a short frame', async () => {
    const suite = method((machine) => ({
      handle: (input, now) => {
        if (input.kind === 'frame' && input.bytes.length < 4) throw new RangeError('too short');
        return machine.handle(input, now);
      },
    }));
    expect(await failed(suite)).toContain(OCTETS);
  });

  it('lets in whom nobody has proven', async () => {
    const suite = method((machine) => ({
      handle: (input, now) =>
        input.kind === 'verdict' ? [{ kind: 'accept', identity: 'x', profile: {} }] : machine.handle(input, now),
    }));
    expect(await failed(suite)).toEqual(
      expect.arrayContaining([OCTETS, 'turns away who has a wrong one, and both sides know it']),
    );
  });

  it('gives keys though it says that it has none', async () => {
    const keys = { send: new Uint8Array(16), receive: new Uint8Array(16) };
    const suite = method((machine) => ({
      handle: (input, now) =>
        machine.handle(input, now).map((effect) => (effect.kind === 'accept' ? { ...effect, keys } : effect)),
    }));
    expect(await failed(suite)).toContain(
      'gives keys if it says that it yields keys, and only then; those of both sides fit',
    );
  });

  it('wants to be woken at the same moment for ever', async () => {
    const suite = method(() => ({ nextTimeout: () => ipv4(0) as never, handleTimeout: () => [] }));
    expect(await failed(suite)).toContain('comes to an end, or to silence, where nobody answers');
  });
});

describe('the contract of EAP methods notices one that', () => {
  const yes: EapEffect = { kind: 'done', identity: 'x', profile: {} };
  const method = (answer: (bytes: Uint8Array) => readonly EapEffect[], type = 200): EapMethod => ({
    name: 'changed',
    type,
    yieldsKeys: false,
    begin: () => ({
      handle: (input) =>
        input.kind === 'message' ? answer(input.bytes) : [{ kind: 'message', bytes: new Uint8Array(1) }],
      nextTimeout: () => undefined,
      handleTimeout: () => [],
    }),
  });
  const checked = (one: EapMethod) => failed(eapMethodContract('changed', () => ({ method: one, canBePeer: false })));
  const DATA = 'takes any type data at any time, in both roles, and keeps to its room';

  it('believes everybody', async () => expect(await checked(method(() => [yes]))).toContain(DATA));

  it('sends more than fits', async () => {
    expect(await checked(method(() => [{ kind: 'message', bytes: new Uint8Array(1301) }]))).toContain(DATA);
  });

  it('has the type of an Identity', async () =>
    expect(await checked(method(() => [], 1))).toContain('has a name and a type'));
});

describe('the contract of stages notices one that', () => {
  const stage = (changes: Partial<Stage>): ContractSuite =>
    stageContract('changed', () => ({ stage: { name: 'changed', slot: STAGE_SLOT.address - 10, ...changes } }));

  it('is in order: nothing', async () => {
    const slots = new WeakMap<Session, number>();
    const good = stage({
      inbound: perPacket(({ bytes }) => (bytes.length > 0 && (bytes[0] ?? 0) >> 4 !== 4 ? 'policy' : undefined)),
      open: (session) => void slots.set(session, 1),
    });
    expect(await failed(good)).toEqual([]);
  });

  it('throws at a short packet', async () => {
    const suite = stage({
      inbound: perPacket(({ bytes }) => {
        if (bytes.length < 20) throw new RangeError('short');
        return undefined;
      }),
    });
    expect(await failed(suite)).toContain('takes any packets of any session, and of none');
  });

  it('throws at a packet of no session', async () => {
    const suite = stage({
      outbound: perPacket(({ session }) => ((session as Session).identity === 'eve' ? 'policy' : undefined)),
    });
    expect(await failed(suite)).toContain('takes any packets of any session, and of none');
  });

  it('invents a packet', async () => {
    const suite = stage({ inbound: { process: (batch) => void batch.append(new Uint8Array(20)) } });
    expect(await failed(suite)).toEqual(
      expect.arrayContaining(['makes no packets out of nothing', 'has no use for an empty batch']),
    );
  });

  it('does not move the cursor', async () => {
    const suite = stage({
      inbound: {
        process: (batch, from) => {
          for (let at = from; at < batch.count; at += 1) {
            const index = batch.order[at] ?? 0;
            if (batch.view(index).length > 100) batch.drop(index, 'policy');
          }
        },
      },
    });
    expect(await failed(suite)).toContain('says by the cursor which packet it is working on');
  });

  it('begins at the front again', async () => {
    const suite = stage({
      inbound: {
        process: (batch) => {
          for (let at = 0; at < batch.count; at += 1) {
            batch.cursor = at;
            batch.drop(batch.order[at] ?? 0, 'policy');
          }
        },
      },
    });
    expect(await failed(suite)).toContain('leaves packets alone that come before its turn');
  });

  it('counts for all sessions together', async () => {
    const suite = stageContract('changed', () => {
      let seen = 0;
      return {
        stage: {
          name: 'changed',
          slot: 790,
          inbound: perPacket(() => {
            seen += 1;
            return seen % 5 === 0 ? 'policy' : undefined;
          }),
        },
      };
    });
    expect(await failed(suite)).toEqual(['treats a session the same, whoever else is there']);
  });

  it('keeps sessions that are over', async () => {
    const kept: Session[] = [];
    const suite = stage({ inbound: perPacket(() => undefined), open: (session) => void kept.push(session) });
    expect(await failed(suite)).toEqual(['lets go of sessions that are over']);
    expect(kept.length).toBeGreaterThan(0);
  });
});

describe('the contracts of policies, sinks, listeners, pools and the rest notice one that', () => {
  const policy = (changes: Partial<SessionPolicy>) =>
    failed(sessionPolicyContract('changed', async () => ({ policy: { name: 'changed', ...changes } })));

  it('decides nothing, or late', async () => {
    expect(await policy({})).toEqual(['has a name and decides something']);
    expect(await policy({ mayTry: (() => Promise.resolve(true)) as never })).toEqual([
      'says at once whether somebody may try, whoever that is',
    ]);
    expect(await policy({ admit: async () => ({ admit: true }) })).toEqual([]);
  });

  it('refuses without a word, writes to the request, or counts a session twice', async () => {
    const silent = await policy({ admit: () => ({ admit: false, denial: '', detail: '' }) });
    expect(silent).toEqual(['admits or refuses, with all that belongs to it', 'answers many at a time']);
    expect(
      await policy({
        admit: (request) => {
          Object.assign(request.profile, { filter: 'x' });
          return { admit: true };
        },
      }),
    ).toContain('admits or refuses, with all that belongs to it');
    let asked = 0;
    expect(
      await policy({
        admit: () => {
          asked += 1;
          return asked % 2 === 1
            ? { admit: true }
            : { admit: false, denial: 'too-many-sessions', detail: 'One at a time.' };
        },
      }),
    ).toEqual(['answers again when somebody proves itself again on the same session']);
  });

  it('answers where nothing is asked, throws, or rejects behind our back', async () => {
    const sink = (start: AccountingSink['start']) =>
      failed(
        accountingSinkContract('changed', async () => ({
          sink: { name: 'changed', start, interim: () => undefined, stop: () => undefined },
        })),
      );
    expect(await sink(() => undefined)).toEqual([]);
    const FIRST = 'takes records at once, in their order';
    expect(await sink((async () => undefined) as never)).toContain(FIRST);
    expect(await sink(() => void Promise.reject(new Error('nobody there')))).toContain(FIRST);
    const listener = await failed(
      sessionListenerContract('changed', async () => ({
        listener: {
          name: 'changed',
          up: ({ address }) => {
            if (address === undefined) throw new Error('no address');
          },
        },
      })),
    );
    expect(listener).toEqual(['takes a session without an address or a profile']);
  });

  it('gives an address twice', async () => {
    const suite = addressPoolContract('changed', async () => {
      const range = { network: ipv4(0x0a63_0000), prefix: 27, gatewayAddress: ipv4(0x0a63_0001) };
      const good = new CidrPool(range);
      const pool: AddressPool = {
        gatewayAddress: good.gatewayAddress,
        lease: (wanted) => (wanted === undefined ? good.lease() : { ok: true, address: wanted }),
        release: (address) => good.release(address),
      };
      return { pool, fixed: ipv4(0x0a63_0010) };
    });
    expect(await failed(suite)).toEqual(
      expect.arrayContaining(['gives a fixed address to one at a time', 'refuses addresses that are not its own']),
    );
  });

  it('accepts whatever a peer says, or answers "not mine" too late', async () => {
    const challenge = { kind: 'challenge', message: Uint8Array.of(1, 7, 0, 5, 4), state: 1 } as const;
    const relay = (later: Awaited<ReturnType<EapRelay['ask']>>) =>
      failed(
        eapRelayContract('changed', async () => ({
          relay: { name: 'changed', ask: async ({ state }) => (state === undefined ? challenge : later) },
        })),
      );
    const MIDDLE = 'lets nobody in for octets without sense, and answers or rejects';
    expect(await relay({ kind: 'reject', denial: 'bad-credentials' })).toEqual([]);
    expect(await relay({ kind: 'accept', identity: 'x', profile: {} })).toEqual([MIDDLE]);
    expect(await relay({ kind: 'not-mine' })).toEqual([MIDDLE]);
  });

  it('cannot be stopped before it was started', async () => {
    let started = false;
    const lifecycle = {
      name: 'changed',
      start: async () => {
        started = true;
      },
      stop: async () => {
        if (!started) throw new Error('was never started');
      },
    };
    const fresh = async () => {
      started = false;
      return { lifecycle };
    };
    expect(await failed(lifecycleContract('changed', fresh))).toContain('may be stopped without having been started');
  });

  it('hands over what no other process could have, and does not take back what it let go of', async () => {
    const nothing = (): Promise<void> => Promise.resolve();
    const check = 'lets go for another process, with plain data, and takes it back';
    const changed = (handOver: HandOver) =>
      failed(
        lifecycleContract('changed', async () => ({
          lifecycle: { name: 'changed', start: nothing, stop: nothing, handOver },
        })),
      );
    expect(await changed({})).toEqual([]);
    expect(await changed({ release: async () => ({ socket: () => undefined }) })).toEqual([check]);
    expect(await changed({ takeBack: () => Promise.reject(new Error('it is gone')) })).toEqual([check]);
  });

  it('throws in a step of a hook', async () => {
    const inbound = perPacket(({ bytes }) => {
      if (bytes[9] === 50) throw new Error('no ESP');
      return undefined;
    });
    const suite = ipsecHookContract('changed', () => ({ hook: { name: 'changed', up: () => undefined, inbound } }));
    expect(await failed(suite)).toContain('steps: takes any packets of any session, and of none');
  });
});

describe('a suite', () => {
  it('runs in any test runner that has describe and it', async () => {
    const ran: string[] = [];
    const bodies: (() => Promise<void>)[] = [];
    runContract(
      { name: 'a suite', checks: [{ name: 'a check', run: () => void ran.push('run') }] },
      {
        describe: (name, body) => {
          ran.push(name);
          body();
        },
        it: (name, body) => {
          ran.push(name);
          bodies.push(body);
        },
      },
    );
    for (const body of bodies) await body();
    expect(ran).toEqual(['a suite', 'a check', 'run']);
  });
});
