import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../../../core/bytes/ascii.ts';
import { type Instant, instant } from '../../../../../core/time.ts';
import {
  type GroupEffect,
  type GroupOptions,
  type RadiusRequest,
  ServerGroup,
} from '../../../../../plugins/radius/client/index.ts';
import { ATTRIBUTE, attribute, CODE, sealReply } from '../../../../../plugins/radius/wire/index.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';

const secret = asciiBytes('a secret');
const request = (code: number = CODE.accessRequest): RadiusRequest => ({
  code,
  attributes: () => [attribute(ATTRIBUTE.userName, 'alice')],
});

const START = instant(1000);
const options: GroupOptions = {
  servers: [{ weight: 1 }],
  secret,
  timeoutMs: 1000,
  tries: 3,
  deadTimeMs: 30_000,
  maxOutstanding: 256,
  maxWaiting: 4,
  requireMessageAuthenticator: true,
};

/** A group at a bench: what it does, one line an effect. */
class Bench {
  readonly group: ServerGroup;
  now: Instant = START;
  readonly sent: { readonly server: number; readonly socket: number; readonly bytes: Uint8Array }[] = [];

  /** Servers that were found to say nothing, as often as they were. */
  readonly silent: number[] = [];

  constructor(changes: Partial<GroupOptions> = {}) {
    this.group = new ServerGroup({ ...options, ...changes }, seededRandom(4));
  }

  ask(id: number, what = request()): readonly string[] {
    return this.note(this.group.handle({ kind: 'ask', id, request: what }, this.now));
  }

  cancel(id: number): readonly string[] {
    return this.note(this.group.handle({ kind: 'cancel', id }, this.now));
  }

  unreachable(server: number): readonly string[] {
    return this.note(this.group.handle({ kind: 'unreachable', server }, this.now));
  }

  /** Goes to the next deadline. */
  wait(): readonly string[] {
    this.now = this.group.nextTimeout() ?? expect.fail('nothing is due');
    return this.note(this.group.handleTimeout(this.now));
  }

  pass(milliseconds: number): void {
    this.now = instant(this.now + milliseconds);
  }

  /** The answer to the last datagram, or to the one at `at`. */
  answer(at = this.sent.length - 1, code: number = CODE.accessAccept, key = secret, signed = true): readonly string[] {
    const { server, socket, bytes } = this.sent[at] ?? expect.fail();
    const reply = sealReply({ code, identifier: bytes[1] ?? 0, attributes: [] }, bytes.slice(4, 20), key, signed);
    return this.receive(server, socket, reply ?? expect.fail());
  }

  receive(server: number, socket: number, bytes: Uint8Array): readonly string[] {
    return this.note(this.group.handle({ kind: 'datagram', server, socket, bytes }, this.now));
  }

  private note(effects: readonly GroupEffect[]): readonly string[] {
    for (const effect of effects) if (effect.kind === 'silent') this.silent.push(effect.server);
    return effects.flatMap((effect) => {
      switch (effect.kind) {
        case 'silent':
          return [];
        case 'send':
          this.sent.push(effect);
          return `send ${effect.server}`;
        case 'answered':
          return `answered ${effect.id} by ${effect.answer.server} with ${effect.answer.packet.code}`;
        case 'failed':
          return `failed ${effect.id}: ${effect.why}`;
        case 'dropped':
          return `dropped: ${effect.why}`;
        default:
          return `${effect.kind} ${effect.server}`;
      }
    });
  }
}

describe('ServerGroup with one server', () => {
  it('asks, and gives the answer', () => {
    const bench = new Bench();
    expect(bench.ask(1)).toEqual(['send 0']);
    expect(bench.answer()).toEqual(['answered 1 by 0 with 2']);
    expect(bench.group.nextTimeout()).toBeUndefined();
  });

  it('sends the same octets again, so many times, and then fails', () => {
    const bench = new Bench();
    bench.ask(1);
    expect(bench.wait()).toEqual(['send 0']);
    expect(bench.wait()).toEqual(['send 0']);
    expect(bench.sent[1]).toEqual(bench.sent[0]);
    expect(bench.sent[2]).toEqual(bench.sent[0]);
    expect(bench.wait()).toEqual(['server-dead 0', 'failed 1: no-answer']);
    expect(bench.answer(0)).toEqual(['dropped: late']);
  });

  it('spreads the waits by no more than a tenth', () => {
    const waits = Array.from({ length: 20 }, (_, seed) => {
      const group = new ServerGroup(options, seededRandom(seed + 1));
      group.handle({ kind: 'ask', id: 1, request: request() }, START);
      return (group.nextTimeout() ?? 0) - START;
    });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(900);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1100);
    expect(new Set(waits).size).toBeGreaterThan(5);
  });

  it('asks a dead server all the same when there is no other, and notices that it lives', () => {
    const bench = new Bench({ tries: 1 });
    bench.ask(1);
    bench.wait();
    expect(bench.ask(2)).toEqual(['send 0']);
    expect(bench.answer()).toEqual(['server-alive 0', 'answered 2 by 0 with 2']);
  });

  it('does not take a server for dead that has answered somebody else meanwhile', () => {
    const bench = new Bench({ tries: 1 });
    bench.ask(1);
    bench.ask(2);
    bench.answer();
    expect(bench.wait()).toEqual(['failed 1: no-answer']);
  });

  it.each([
    ['made with another secret', CODE.accessAccept, asciiBytes('other'), true, 'bad-authenticator'],
    ['without Message-Authenticator', CODE.accessAccept, secret, false, 'no-message-authenticator'],
    ['of a kind that answers something else', CODE.accountingResponse, secret, true, 'wrong-code'],
  ] as const)('drops an answer %s, and still waits for the right one', (_what, code, key, signed, why) => {
    const bench = new Bench();
    bench.ask(1);
    expect(bench.answer(0, code, key, signed)).toEqual([`dropped: ${why}`]);
    expect(bench.answer(0)).toEqual(['answered 1 by 0 with 2']);
  });

  it('takes an answer without Message-Authenticator where it need not be there', () => {
    const bench = new Bench({ requireMessageAuthenticator: false });
    bench.ask(1);
    expect(bench.answer(0, CODE.accessAccept, secret, false)).toEqual(['answered 1 by 0 with 2']);
  });

  it('asks no Message-Authenticator of accounting', () => {
    const bench = new Bench();
    bench.ask(1, request(CODE.accountingRequest));
    expect(bench.answer(0, CODE.accountingResponse, secret, false)).toEqual(['answered 1 by 0 with 5']);
  });

  it('names answers that nobody waits for', () => {
    const bench = new Bench();
    bench.ask(1);
    bench.answer(0);
    expect(bench.answer(0)).toEqual(['dropped: duplicate']);
    expect(bench.receive(0, 0, Uint8Array.of(2, 200, 0, 20))).toEqual(['dropped: unsolicited']);
    expect(bench.receive(0, 0, Uint8Array.of(2))).toEqual(['dropped: short']);
    expect(bench.receive(7, 0, Uint8Array.of(2, 0))).toEqual(['dropped: short']);
  });

  it('lets so many wait for a place and refuses the next', () => {
    const bench = new Bench({ maxOutstanding: 1, maxWaiting: 1 });
    expect([bench.ask(1), bench.ask(2), bench.ask(3)]).toEqual([['send 0'], [], ['failed 3: busy']]);
    expect(bench.answer()).toEqual(['answered 1 by 0 with 2', 'send 0']);
    expect(bench.answer()).toEqual(['answered 2 by 0 with 2']);
  });

  it('gives the place of one who no longer waits to the next', () => {
    const bench = new Bench({ maxOutstanding: 1 });
    bench.ask(1);
    bench.ask(2);
    expect(bench.cancel(1)).toEqual(['send 0']);
    expect(bench.answer(0)).toEqual(['dropped: late']);
    expect(bench.cancel(2)).toEqual([]);
    expect(bench.cancel(2)).toEqual([]);
    expect(bench.group.load).toEqual({ outstanding: 0, waiting: 0 });
  });

  it('notices that a server is dead though nobody waits long enough for it', () => {
    const bench = new Bench();
    bench.ask(1);
    bench.pass(500);
    expect(bench.cancel(1)).toEqual([]);
    expect(bench.group.load).toEqual({ outstanding: 0, waiting: 0 });
    expect([bench.wait(), bench.wait(), bench.wait()]).toEqual([['send 0'], ['send 0'], ['server-dead 0']]);
    expect(bench.group.nextTimeout()).toBeUndefined();
  });

  it('an answer for which nobody waits any more says that the server lives', () => {
    const bench = new Bench({ tries: 1 });
    bench.ask(1);
    bench.wait();
    bench.ask(2);
    bench.cancel(2);
    expect(bench.answer()).toEqual(['server-alive 0', 'dropped: late']);
    expect(bench.group.nextTimeout()).toBeUndefined();
  });

  it('what was given up asks no further copies of a server that has answered another', () => {
    const bench = new Bench();
    bench.ask(1);
    bench.ask(2);
    bench.cancel(1);
    bench.answer();
    expect(bench.wait()).toEqual([]);
    expect(bench.group.nextTimeout()).toBeUndefined();
  });

  it('says of a server each time that it was silent, also while it is dead', () => {
    const bench = new Bench({ tries: 1 });
    for (const id of [1, 2]) {
      bench.ask(id);
      bench.wait();
    }
    expect(bench.silent).toEqual([0, 0]);
  });

  it('believes no answer to EAP without Message-Authenticator, whatever is set', () => {
    const bench = new Bench({ requireMessageAuthenticator: false });
    bench.ask(1, { ...request(), attributes: () => [attribute(ATTRIBUTE.eapMessage, Uint8Array.of(2, 1, 0, 5, 1))] });
    expect(bench.answer(0, CODE.accessAccept, secret, false)).toEqual(['dropped: no-message-authenticator']);
    expect(bench.answer(0)).toEqual(['answered 1 by 0 with 2']);
  });

  it('takes another socket when all identifiers of one are in use', () => {
    const bench = new Bench({ maxOutstanding: 600 });
    for (let id = 0; id < 600; id += 1) expect(bench.ask(id)).toEqual(['send 0']);
    const places = new Set(bench.sent.map(({ socket, bytes }) => `${socket}/${bytes[1]}`));
    expect(places.size).toBe(600);
    expect(new Set(bench.sent.map(({ socket }) => socket))).toEqual(new Set([0, 1, 2]));
    expect(bench.answer(400)).toEqual(['answered 400 by 0 with 2']);
  });

  it('refuses a request that fits no packet', () => {
    const bench = new Bench();
    const large = Array.from({ length: 20 }, () => attribute(ATTRIBUTE.class, new Uint8Array(253)));
    expect(bench.ask(1, { code: CODE.accessRequest, attributes: () => large })).toEqual(['failed 1: too-large']);
    expect(bench.group.load.outstanding).toBe(0);
  });
});

describe('ServerGroup with several servers', () => {
  const two = { servers: [{ weight: 1 }, { weight: 1 }], tries: 2 };

  it('takes what one does not answer to the next, with a new authenticator', () => {
    const bench = new Bench(two);
    expect(bench.ask(1)).toEqual(['send 0']);
    expect(bench.wait()).toEqual(['send 0']);
    expect(bench.wait()).toEqual(['server-dead 0', 'send 1']);
    expect(bench.sent[2]?.bytes.slice(4, 20)).not.toEqual(bench.sent[0]?.bytes.slice(4, 20));
    expect(bench.answer()).toEqual(['answered 1 by 1 with 2']);
  });

  it('leaves a dead server alone until its time is over', () => {
    const bench = new Bench(two);
    bench.ask(1);
    bench.wait();
    bench.wait();
    bench.answer();
    expect([2, 3, 4].map((id) => bench.ask(id)[0])).toEqual(['send 1', 'send 1', 'send 1']);
    bench.pass(30_001);
    expect(new Set([5, 6].map((id) => bench.ask(id)[0]))).toEqual(new Set(['send 0', 'send 1']));
  });

  it('fails when none has answered', () => {
    const bench = new Bench({ ...two, tries: 1 });
    bench.ask(1);
    expect(bench.wait()).toEqual(['server-dead 0', 'send 1']);
    expect(bench.wait()).toEqual(['server-dead 1', 'failed 1: no-answer']);
  });

  it('shares requests by weight', () => {
    const bench = new Bench({ servers: [{ weight: 3 }, { weight: 1 }] });
    for (let id = 0; id < 40; id += 1) bench.ask(id);
    expect(bench.sent.filter(({ server }) => server === 0)).toHaveLength(30);
  });

  it('asks a spare one only when no other lives', () => {
    const bench = new Bench({ servers: [{ weight: 0 }, { weight: 1 }], tries: 1 });
    for (let id = 0; id < 5; id += 1) expect(bench.ask(id)).toEqual(['send 1']);
    expect(bench.wait()).toContain('send 0');
    expect(bench.ask(9)).toEqual(['send 0']);
  });

  it('goes on at once when the host of a server says that nobody listens', () => {
    const bench = new Bench(two);
    bench.ask(1);
    expect(bench.unreachable(0)).toEqual(['server-dead 0', 'send 1']);
    // There is nobody else to ask: it may be just starting.
    expect(bench.unreachable(1)).toEqual(['server-dead 1']);
    expect(bench.answer()).toEqual(['server-alive 1', 'answered 1 by 1 with 2']);
  });

  it('asks the second one at once after requests that were given up before the first was found dead', () => {
    const bench = new Bench({ servers: [{ weight: 1 }, { weight: 0 }], tries: 2 });
    bench.ask(1);
    bench.pass(100);
    bench.cancel(1);
    bench.wait();
    bench.wait();
    expect(bench.ask(2)).toEqual(['send 1']);
  });

  it('forgets what was given up when its server is unreachable', () => {
    const bench = new Bench(two);
    bench.ask(1);
    bench.cancel(1);
    expect(bench.unreachable(0)).toEqual(['server-dead 0']);
    expect(bench.group.nextTimeout()).toBeUndefined();
  });

  it('keeps to the server that alone can answer', () => {
    const bench = new Bench({ ...two, tries: 1 });
    expect(bench.ask(1, { ...request(), only: 1 })).toEqual(['send 1']);
    expect(bench.wait()).toEqual(['server-dead 1', 'failed 1: no-answer']);
  });
});
