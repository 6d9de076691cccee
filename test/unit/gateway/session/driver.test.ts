import { describe, expect, it } from 'vitest';
import { bits64 } from '../../../../core/bytes/ipv6-address.ts';
import type { Session } from '../../../../core/datapath/session.ts';
import type { Stage } from '../../../../core/datapath/stage.ts';
import type { Machine } from '../../../../core/machine/machine.ts';
import type { LinkEffect, LinkInput } from '../../../../core/machine/ppp-link-types.ts';
import type { Authenticator } from '../../../../core/ports/auth.ts';
import { after, type Instant } from '../../../../core/time.ts';
import { Driver } from '../../../../gateway/session/driver.ts';
import { Ipv6PrefixPool } from '../../../../gateway/session/prefix-pool.ts';
import { RouteTurns } from '../../../../gateway/session/route-turns.ts';
import type { Ipv6Services } from '../../../../gateway/session/tunnel-ipv6.ts';
import { address, batchOf, run } from '../../../support/batches.ts';
import { driverParts } from '../../../support/driver-parts.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

/** A link whose every move the test writes. */
interface Script {
  handle?(input: LinkInput, now: Instant): readonly LinkEffect[];
  onTimer?(now: Instant): readonly LinkEffect[];
  /** Its one deadline, in ms after the call opened. */
  readonly dueAfter?: number;
}

class ScriptedLink implements Machine<LinkInput, LinkEffect> {
  readonly inputs: string[] = [];
  readonly timeouts: number[] = [];
  private readonly script: Script;
  private due: Instant | undefined;

  constructor(script: Script) {
    this.script = script;
  }

  handle(input: LinkInput, now: Instant): readonly LinkEffect[] {
    this.inputs.push(input.kind);
    if (input.kind === 'open' && this.script.dueAfter !== undefined) this.due = after(now, this.script.dueAfter);
    return this.script.handle?.(input, now) ?? [];
  }

  nextTimeout(): Instant | undefined {
    return this.due;
  }

  handleTimeout(now: Instant): readonly LinkEffect[] {
    this.due = undefined;
    this.timeouts.push(now);
    return this.script.onTimer?.(now) ?? [];
  }
}

async function bench(
  scripts: readonly Script[],
  stages: readonly Stage[] = [],
  authenticators: Authenticator[] = [],
  ipv6?: Ipv6Services,
) {
  const parts = driverParts();
  const { clock, control, sequence } = parts;
  const links = scripts.map((script) => new ScriptedLink(script));
  const waiting = [...links];
  const opened: Session[] = [];
  const witness: Stage = { name: 'witness', slot: 1, open: (session) => opened.push(session) };
  const driver = new Driver(
    {
      ...parts,
      authenticators,
      stages: [sequence, witness, ...stages],
      createLink: () => waiting.shift() ?? new ScriptedLink({}),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    },
    { dns: [], wins: [], silenceMs: 10_000, limits: { idleMs: 0, sessionMs: 0 } },
  );
  await driver.start();
  const calls = scripts.map((_, i) => control.open(0x2200 + i, clock.now()));
  return { ...parts, links, calls, opened, driver };
}

const bug = (): never => {
  throw new Error('a bug');
};

/** The session that failed is gone, its call is cleared and the log says why; the next one lives. */
const expectOneCasualty = ({ control, driver, log, sessions, telemetry }: Awaited<ReturnType<typeof bench>>): void => {
  expect(control.cleared).toEqual([{ id: 1, reason: 'administrative', detail: 'internal error of the gateway' }]);
  expect([driver.size, sessions.size]).toEqual([1, 1]);
  const [line] = log.lines.filter(({ level }) => level === 'error');
  expect([line?.event, line?.fields['error']]).toEqual(['session.fault', new Error('a bug')]);
  expect(telemetry.events.map(({ name }) => name)).toContain('session.fault');
};

describe('a bug in one session', () => {
  it('at the opening of the call costs that session', async () => {
    expectOneCasualty(await bench([{ handle: bug }, {}]));
  });

  it('in a frame costs that session, and nothing reaches the stage that delivered the frame', async () => {
    const b = await bench([{ handle: ({ kind }) => (kind === 'frame' ? bug() : []) }, {}]);
    for (const session of b.opened) b.hub.frame(session, 0xc021, new Uint8Array([1]));
    expectOneCasualty(b);
    expect(b.links[1]?.inputs).toEqual(['open', 'frame']);
  });

  it('at a timer costs that session; those that are due with it and after it get their turn', async () => {
    const b = await bench([{ dueAfter: 1_000, onTimer: bug }, { dueAfter: 1_000 }]);
    await b.clock.advance(1_500);
    expectOneCasualty(b);
    expect(b.links[1]?.timeouts).toEqual([2_000]);
    await b.clock.advance(10_000);
    expect(b.log.events('warn')).toEqual(['gre.blocked']);
  });

  it('in the back-end is the denial `unavailable`', async () => {
    const broken: Authenticator = { name: 'broken', supports: bug, verify: bug };
    const request = {
      userName: 'alice',
      authenticatorChallenge: new Uint8Array(16),
      peerChallenge: new Uint8Array(16),
      ntResponse: new Uint8Array(24),
    };
    const verdicts: LinkInput[] = [];
    const script: Script = {
      handle(input) {
        if (input.kind === 'verdict') verdicts.push(input);
        return input.kind === 'open' ? [{ kind: 'verify', method: 'ms-chap-v2', request }] : [];
      },
    };
    const b = await bench([script], [], [broken]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(verdicts).toEqual([{ kind: 'verdict', verdict: { ok: false, denial: 'unavailable' } }]);
    expect(b.log.events('error')).toEqual(['auth.backend-failed']);
  });

  it('in what a stage does when a call opens costs that session', async () => {
    let calls = 0;
    const open = (): void => {
      calls += 1;
      if (calls === 1) bug();
    };
    expectOneCasualty(await bench([{}, {}], [{ name: 'fragile', slot: 760, open }]));
  });

  it('in what a stage does when a call closes does not keep the others from closing', async () => {
    const closed: string[] = [];
    const b = await bench(
      [{}],
      [
        { name: 'fragile', slot: 760, close: bug },
        { name: 'tidy', slot: 770, close: (session) => closed.push(session.id) },
      ],
    );
    for (const call of b.calls) b.control.close(call);
    expect(closed).toEqual(b.opened.map(({ id }) => id));
    expect(b.driver.size).toBe(0);
    expect(b.log.events('error')).toEqual(['session.fault']);
  });
});

describe('the driver', () => {
  it('ends a session at once when its link closes in the middle of a batch, and takes no more frames for it', async () => {
    const close: LinkEffect = { kind: 'closed', reason: 'peer-terminated', detail: 'bye' };
    const b = await bench([{ handle: ({ kind }) => (kind === 'frame' ? [close] : []) }]);
    const [session] = b.opened;
    if (session === undefined) throw new Error('no session was opened');
    b.hub.frame(session, 0xc021, new Uint8Array([5]));
    b.hub.frame(session, 0xc021, new Uint8Array([5]));
    b.hub.wake(session, 0);
    expect(b.links[0]?.inputs).toEqual(['open', 'frame']);
    expect([b.driver.size, b.sessions.size, b.sessions.byCallId(1)]).toEqual([0, 0, undefined]);
    await b.clock.advance(60_000);
    expect(b.links[0]?.timeouts).toEqual([]);
  });

  it('gives back what sessions held, and its timer, when it stops; twice is once', async () => {
    const profile = {};
    const identify: LinkEffect = { kind: 'authenticated', method: 'ms-chap-v2', identity: 'alice', profile };
    const script: Script = { dueAfter: 500, handle: ({ kind }) => (kind === 'open' ? [identify] : []) };
    const b = await bench([script, script]);
    expect(b.addresses.inUse).toBe(2);
    await b.driver.stop();
    await b.driver.stop();
    expect([b.driver.size, b.sessions.size, b.addresses.inUse, b.clock.pending]).toEqual([0, 0, 0, 0]);
    expect(b.log.lines.filter(({ event }) => event === 'session.closed')).toHaveLength(2);
  });

  it('keeps acknowledgments that are due at once but do not fit the outbox for the next turn', async () => {
    const b = await bench(Array.from({ length: 40 }, () => ({})));
    const acknowledged: Session[] = [];
    b.hub.acks.packets$.subscribe((batch) => {
      for (let at = 0; at < batch.count; at += 1) {
        const session = batch.session[batch.order[at] ?? 0];
        if (session !== undefined) acknowledged.push(session);
      }
    });
    const batch = batchOf(b.opened.map((_, i) => new Uint8Array([i])));
    batch.now = b.clock.now();
    for (const [i, session] of b.opened.entries()) {
      batch.session[i] = session;
      batch.sequence[i] = 0;
    }
    run(b.sequence.inbound, batch);
    await b.clock.advance(150);
    expect(b.telemetry.dropsFor('queue-full')).toBe(0);
    expect(new Set(acknowledged)).toEqual(new Set(b.opened));
    expect(acknowledged).toHaveLength(40);
  });
});

describe('the log of a session', () => {
  it('is not filled by a peer that negotiates anew for ever: a few lines of each event in a minute, and a number', async () => {
    const addresses = { localAddress: address('10.99.0.1'), peerAddress: address('10.99.0.2'), dns: [] };
    const ids = { localInterfaceId: bits64(0, 1), peerInterfaceId: bits64(0, 2), prefix: bits64(0xfd000099, 1) };
    const anew: readonly LinkEffect[] = [
      { kind: 'network', network: undefined },
      { kind: 'note', event: 'lcp.renegotiation', detail: 'the peer renegotiated LCP' },
      { kind: 'network', network: addresses },
      { kind: 'ipv6', ipv6: ids },
    ];
    const network = { prefix: bits64(0xfd000099, 0), prefixLength: 48, text: 'fd00:99::/48' };
    const random = seededRandom(1);
    const ipv6 = {
      prefixes: new Ipv6PrefixPool(network),
      dns: [],
      mtu: 1396,
      random,
      routes: () => undefined,
      turns: new RouteTurns(new MemoryLog()),
      send: () => undefined,
    };
    const b = await bench([{ handle: ({ kind }) => (kind === 'frame' ? anew : []) }], [], [], ipv6);
    const [session] = b.opened;
    if (session === undefined) throw new Error('no session was opened');
    const lines = (event: string) => b.log.lines.filter((line) => line.event === event);
    const events = ['session.up', 'session.ipv6-up', 'lcp.renegotiation'];

    for (let i = 0; i < 1000; i += 1) b.hub.frame(session, 0xc021, new Uint8Array([1]));
    // When the tunnel is up for the first time the budgets begin anew.
    expect(events.map((event) => lines(event).length)).toEqual([11, 10, 11]);
    expect(lines('session.up')[0]?.fields).not.toHaveProperty('notLogged');

    await b.clock.advance(60_000);
    b.hub.frame(session, 0xc021, new Uint8Array([1]));
    expect(events.map((event) => lines(event).at(-1)?.fields['notLogged'])).toEqual([989, 990, 989]);
  });
});

describe('the limits of a session whose LCP was negotiated anew', () => {
  const NETWORK: LinkEffect = {
    kind: 'network',
    network: { localAddress: address('10.99.0.1'), peerAddress: address('10.99.0.2'), dns: [] },
  };
  const enter = (identity: string, sessionSeconds: number): readonly LinkEffect[] => [
    { kind: 'network', network: undefined },
    { kind: 'authenticated', method: 'ms-chap-v2', identity, profile: { sessionSeconds } },
    NETWORK,
  ];

  /** Seconds from the opening of the call until the link was told to close. */
  const lifeOf = async (first: readonly LinkEffect[], second: readonly LinkEffect[]): Promise<number | undefined> => {
    let closedAt: number | undefined;
    const script: Script = {
      handle({ kind }, now) {
        if (kind === 'close') closedAt = now;
        if (kind === 'open') return first;
        return kind === 'frame' ? second : [];
      },
    };
    const b = await bench([script]);
    const begun = b.clock.now();
    await b.clock.advance(60_000);
    for (const session of b.opened) b.hub.frame(session, 0xc021, new Uint8Array([1]));
    await b.clock.advance(3_600_000);
    return closedAt === undefined ? undefined : Math.round((closedAt - begun) / 1000);
  };

  it('are those of the user who is in now, from when that user came in', async () => {
    expect(await lifeOf(enter('alice', 0), enter('bob', 300))).toBe(360);
    expect(await lifeOf(enter('alice', 300), enter('bob', 0))).toBeUndefined();
  });

  it('do not begin anew for the same user, and follow what the back-end says now', async () => {
    expect(await lifeOf(enter('alice', 300), enter('alice', 300))).toBe(300);
    expect(await lifeOf(enter('alice', 300), enter('alice', 100))).toBe(100);
    expect(await lifeOf(enter('alice', 300), enter('alice', 900))).toBe(900);
  });
});
