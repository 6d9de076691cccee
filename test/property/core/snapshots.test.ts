import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../core/bytes/hex.ts';
import { GreChannel } from '../../../core/datapath/gre-channel.ts';
import { MppeReceiver } from '../../../core/datapath/mppe-receiver.ts';
import { type MppeOptions, MppeSender } from '../../../core/datapath/mppe-sender.ts';
import { readChannelSnapshot, readMppeSnapshot, readShapeSnapshot } from '../../../core/datapath/path-snapshot.ts';
import { RandomCallIds } from '../../../core/machine/call-ids.ts';
import { readCallIdsSnapshot, readControlSnapshot } from '../../../core/machine/control-snapshot.ts';
import { readLinkSnapshot } from '../../../core/machine/link-snapshot.ts';
import { PppLink } from '../../../core/machine/ppp-link.ts';
import type { LinkInput, LinkOptions } from '../../../core/machine/ppp-link-types.ts';
import { PptpControl } from '../../../core/machine/pptp-control.ts';
import type { ControlInput } from '../../../core/machine/pptp-control-types.ts';
import { callId } from '../../../core/ports/ids.ts';
import { after, type Instant, instant } from '../../../core/time.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { CODE, encodeConfigPacket } from '../../../core/wire/ppp-config.ts';
import { writePptpMessage } from '../../../core/wire/pptp-message.ts';
import { octets, pptpMessages, segmentsOf } from '../../support/control-arbitraries.ts';
import { callRequest, startRequest } from '../../support/control-rig.ts';
import { PROFILE, serverOptions } from '../../support/link-options.ts';
import { MASTER, open, plainOf, seal } from '../../support/mppe-models.ts';
import { seededRandom } from '../../support/seeded-random.ts';

/** On its way to another process. */
const sent = (value: unknown): unknown => structuredClone(value);

const there = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('there is no such snapshot');
  return value;
};

/** The same octets for everybody, however many were asked for before. */
const steadyRandom = { bytes: (length: number): Uint8Array => seededRandom(11).bytes(length) };

const anyOptions: fc.Arbitrary<MppeOptions> = fc.record({
  strength: fc.constantFrom(undefined, 40, 56, 128),
  stateless: fc.boolean(),
  compression: fc.boolean(),
});
const anyContent = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 80 }),
  fc.constantFrom('a', 'ab', 'the quick brown fox ').map((text) => new TextEncoder().encode(text.repeat(12))),
);
const anyPath = fc.array(
  fc.record({
    lost: fc.boolean(),
    content: anyContent,
    reset: fc.nat(20),
    skip: fc.oneof(fc.constant(0), fc.nat(400)),
  }),
  { minLength: 1, maxLength: 40 },
);

describe('a data path that another process goes on with', () => {
  it('MPPE and MPPC in every mode, cut anywhere: the same octets go out, and come out', () => {
    fc.assert(
      fc.property(anyOptions, anyPath, fc.nat(40), (options, path, cut) => {
        let before = { sender: new MppeSender(MASTER, options), receiver: new MppeReceiver(MASTER, options) };
        let after = before;
        let number = 0;
        for (const [at, { lost, content, reset, skip }] of path.entries()) {
          if (at === cut % path.length) {
            const { sender, receiver } = before;
            const snapshot = { sender: sender.state(), receiver: receiver.state(), clearAllowed: false };
            const read = there(readMppeSnapshot(sent(snapshot)));
            after = {
              sender: there(MppeSender.restored(there(read.sender))),
              receiver: there(MppeReceiver.restored(there(read.receiver))),
            };
          }
          for (let i = 0; i < skip; i += 1) {
            number += 1;
            const plain = plainOf(number);
            const datagram = seal(before.sender, plain);
            if (after !== before) expect(seal(after.sender, plain)).toEqual(datagram);
          }
          if (reset === 0) {
            before.sender.flushNext();
            after.sender.flushNext();
          }
          number += 1;
          const plain = plainOf(number, content);
          const datagram = seal(before.sender, plain);
          const same = after === before;
          if (!same) expect(seal(after.sender, plain)).toEqual(datagram);
          if (lost) continue;
          const arrival = { sequence: number, now: 20 * number };
          const opened = open(before.receiver, datagram, arrival);
          if (!same) expect(open(after.receiver, datagram, arrival)).toEqual(opened);
          if (typeof opened !== 'string') {
            before.receiver.accepted();
            after.receiver.accepted();
          } else {
            const asks = before.receiver.asksForReset(20 * number);
            if (!same) expect(after.receiver.asksForReset(20 * number)).toBe(asks);
          }
          before = { ...before };
          if (same) after = before;
        }
      }),
      { numRuns: 150 },
    );
  });

  it('GRE numbers, what waits for them and the window, cut anywhere', () => {
    const events = fc.array(
      fc.record({
        sequence: fc.oneof(fc.nat(40), fc.nat(0xffffffff)),
        acknowledged: fc.integer({ min: -1, max: 40 }),
        send: fc.nat(4),
        pause: fc.nat(400),
      }),
      { minLength: 1, maxLength: 60 },
    );
    const options = {
      window: 8,
      timeoutMs: 300,
      ackDelayMs: 100,
      sendWindow: { minTimeoutMs: 250, maxTimeoutMs: 3000, queueLimit: 4 },
    };
    const make = (): GreChannel => new GreChannel(options, { packets: 6, processingDelay: 1 });
    const slab = Uint8Array.of(9, 8, 7, 6);
    fc.assert(
      fc.property(events, fc.nat(60), (story, cut) => {
        const before = make();
        let restored: GreChannel | undefined;
        let now = 0;
        const step = (channel: GreChannel, event: (typeof story)[number]): unknown[] => {
          const said: unknown[] = [];
          const at = instant(now);
          channel.queue.expire(at);
          if (event.acknowledged >= 0) channel.noteAcknowledgment(event.acknowledged, at);
          said.push(channel.transmit?.window.expire(at));
          said.push(channel.queue.accept(event.sequence, slab, 0, slab.length, at));
          for (let held = channel.queue.next(); held !== undefined; held = channel.queue.next()) said.push(held);
          said.push(channel.noteReceived(slab.length, at));
          for (let i = 0; i < event.send; i += 1) {
            if (channel.transmit?.window.isOpen === true) {
              channel.transmit.window.sent(at);
              said.push(channel.takeSequence(4), channel.takeAcknowledgment());
            } else said.push(channel.transmit?.waiting.put(0xfd, slab));
          }
          said.push(
            channel.transmit?.waiting.take(),
            channel.takeDueAck(at),
            channel.nextTimeout(),
            channel.snapshot(),
          );
          return said;
        };
        for (const [at, event] of story.entries()) {
          now += event.pause;
          if (at === cut % story.length) {
            restored = make();
            restored.restore(there(readChannelSnapshot(sent(before.state()))));
          }
          const said = step(before, event);
          if (restored !== undefined) expect(step(restored, event)).toEqual(said);
        }
      }),
      { numRuns: 200 },
    );
  });
});

const option = fc
  .tuple(fc.constantFrom(1, 2, 3, 5, 7, 8, 13, 18, 129), fc.uint8Array({ maxLength: 6 }))
  .map(([type, data]) => Uint8Array.of(type, data.length + 2, ...data));
const packet = fc
  .tuple(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 6 }), fc.array(option, { maxLength: 4 }))
  .map(([code, identifier, options]) =>
    encodeConfigPacket(code, identifier, Uint8Array.from(options.flatMap((one) => [...one]))),
  );
type Move =
  | LinkInput
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'agree'; readonly protocol: number };
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('frame' as const),
      protocol: fc.constantFrom(PPP.lcp, PPP.ccp, PPP.ccp, PPP.ipcp, PPP.ipv6cp, PPP.chap, PPP.ipv4, 0x1234),
      bytes: fc.oneof({ weight: 4, arbitrary: packet }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('agree' as const),
      protocol: fc.constantFrom(PPP.ccp, PPP.ipcp, PPP.ipv6cp),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'alive' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reset-needed' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'authorize' as const, profile: PROFILE }) },
  {
    weight: 1,
    arbitrary: fc.constant({ kind: 'close' as const, reason: 'administrative' as const, detail: 'enough' }),
  },
);

/** A link at work: what it says to each move, which depends on what it said before. */
class Worked {
  readonly link: PppLink;
  now: Instant;
  private readonly requests: Map<number, Uint8Array>;

  constructor(link: PppLink, now: Instant, requests: ReadonlyMap<number, Uint8Array> = new Map()) {
    this.link = link;
    this.now = now;
    this.requests = new Map(requests);
  }

  restored(options: LinkOptions): Worked | undefined {
    const snapshot = this.link.snapshot();
    if (snapshot === undefined) return undefined;
    return new Worked(PppLink.restored(options, there(readLinkSnapshot(sent(snapshot)))), this.now, this.requests);
  }

  move(move: Move): unknown[] {
    if (move.kind === 'wait') return this.wait(move.ms);
    if (move.kind !== 'agree') return this.note(this.link.handle(move, this.now));
    const bytes = this.requests.get(move.protocol)?.slice() ?? Uint8Array.of(2, 0, 0, 4);
    bytes[0] = CODE.configureAck;
    return this.note(this.link.handle({ kind: 'frame', protocol: move.protocol, bytes }, this.now));
  }

  private wait(ms: number): unknown[] {
    const end = after(this.now, ms);
    const said: unknown[] = [];
    for (let turn = 0; turn < 200; turn += 1) {
      const next = this.link.nextTimeout();
      if (next === undefined || next > end) break;
      if (next > this.now) this.now = next;
      said.push(this.now, ...this.note(this.link.handleTimeout(this.now)));
    }
    this.now = end;
    said.push(this.link.nextTimeout());
    return said;
  }

  private note(effects: ReturnType<PppLink['handle']>): unknown[] {
    for (const effect of effects) {
      if (effect.kind === 'send' && effect.bytes[0] === CODE.configureRequest) {
        this.requests.set(effect.protocol, effect.bytes);
      }
    }
    return [...effects];
  }
}

const PREFIXED = {
  ...PROFILE,
  ipv6: { prefix: { high: 0xfd000001, low: 7 }, localInterfaceId: { high: 1, low: 2 } },
};

/** A link whose network is up, if the peer's wishes for CCP are the link's. */
const up = (options: LinkOptions, ipv6: boolean): Worked => {
  const worked = new Worked(new PppLink(options), instant(0));
  worked.move({ kind: 'open' });
  worked.move({ kind: 'frame', protocol: PPP.lcp, bytes: fromHex('0101000a 0506 01020304') });
  worked.move({ kind: 'agree', protocol: PPP.lcp });
  worked.move({ kind: 'frame', protocol: PPP.chap, bytes: fromHex('02 612f62') });
  const verdict = { ok: true as const, identity: 'a', profile: {}, grant: { granted: true as const } };
  worked.move({ kind: 'verdict', verdict });
  worked.move({ kind: 'authorize', profile: ipv6 ? PREFIXED : PROFILE });
  const mppe = options.statefulMppe === 'prefer' ? '00000041' : '01000040';
  worked.move({ kind: 'frame', protocol: PPP.ccp, bytes: fromHex(`0101000a 1206 ${mppe}`) });
  worked.move({ kind: 'agree', protocol: PPP.ccp });
  worked.move({ kind: 'frame', protocol: PPP.ipcp, bytes: fromHex('0101000a 0306 0a4e010a') });
  worked.move({ kind: 'agree', protocol: PPP.ipcp });
  return worked;
};

describe('a link that another process goes on with', () => {
  it('cut anywhere after the network phase has begun: both say the same to everything', () => {
    let cuts = 0;
    fc.assert(
      fc.property(
        fc.constantFrom('required' as const, 'preferred' as const, 'permitted' as const),
        fc.constantFrom('off' as const, 'prefer' as const),
        fc.boolean(),
        fc.array(anyMove, { minLength: 1, maxLength: 40 }),
        fc.nat(40),
        (encryption, stateful, ipv6, moves, cut) => {
          const options = serverOptions({
            encryption,
            statefulMppe: stateful,
            mppc: stateful,
            ipv6,
            random: steadyRandom,
            mppeStrengths: [128, 40],
          });
          const before = up(options, ipv6);
          let restored: Worked | undefined;
          for (const [at, move] of moves.entries()) {
            if (at === cut % moves.length) {
              restored = before.restored(options);
              if (restored !== undefined) cuts += 1;
            }
            const said = before.move(move);
            if (restored === undefined) continue;
            expect(restored.move(move)).toEqual(said);
            expect(restored.link.snapshot()).toEqual(before.link.snapshot());
          }
        },
      ),
      { numRuns: 300 },
    );
    // Some stories end the link, or begin it anew, before they are cut.
    expect(cuts).toBeGreaterThan(50);
  });

  it('has no snapshot before authentication, and none at its end', () => {
    const link = new PppLink(serverOptions());
    expect(link.snapshot()).toBeUndefined();
    link.handle({ kind: 'open' }, instant(0));
    expect(link.snapshot()).toBeUndefined();
  });
});

const id = fc.oneof(fc.nat(3), fc.nat(0xffff));
const controlInput: fc.Arbitrary<ControlInput> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .oneof(
        fc.constant(startRequest()),
        id.map((n) => callRequest(n)),
        id.map((n) => ({ kind: 'call-clear-request', callId: n }) as const),
        pptpMessages,
      )
      .map((message): ControlInput => ({ kind: 'bytes', bytes: writePptpMessage(message) })),
  },
  { weight: 1, arbitrary: octets(30).map((bytes): ControlInput => ({ kind: 'bytes', bytes })) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wan-error' as const),
      localCallId: id.map(callId),
      errors: fc.record({
        crc: id,
        framing: id,
        hardwareOverruns: id,
        bufferOverruns: id,
        timeOuts: id,
        alignment: id,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<ControlInput>({ kind: 'stop', reason: 'none' }) },
);

describe('a control connection that another process goes on with', () => {
  it('cut anywhere while it is established, in the middle of a message too: both say the same to everything', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ wait: fc.oneof(fc.constant(0), fc.nat(90_000)), input: controlInput }), { maxLength: 30 }),
        fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }),
        fc.nat(60),
        (story, cuts, cut) => {
          let now = instant(0);
          const ids = (): RandomCallIds => new RandomCallIds({ random: steadyRandom, now: () => now });
          const [first, second] = [ids(), ids()];
          const before = new PptpControl({ callIds: first, random: steadyRandom }, { role: 'pac' });
          before.handle({ kind: 'open' }, now);
          before.handle({ kind: 'bytes', bytes: writePptpMessage(startRequest()) }, now);
          before.handle({ kind: 'bytes', bytes: writePptpMessage(callRequest(1)) }, now);
          const steps = story.flatMap(({ wait, input }): { readonly wait: number; readonly input: ControlInput }[] =>
            input.kind === 'bytes'
              ? segmentsOf(input.bytes, cuts).map((bytes, at) => ({
                  wait: at === 0 ? wait : 0,
                  input: { kind: 'bytes', bytes },
                }))
              : [{ wait, input }],
          );
          let restored: PptpControl | undefined;
          for (const [at, { wait, input }] of steps.entries()) {
            if (at === cut % steps.length) {
              const snapshot = before.snapshot();
              if (snapshot !== undefined) {
                const read = there(readControlSnapshot(sent(snapshot)));
                const used = read.book.calls.map((call) => call.localCallId);
                second.restore(there(readCallIdsSnapshot(sent(first.snapshot()))), used);
                restored = PptpControl.restored({ callIds: second, random: steadyRandom }, { role: 'pac' }, read);
              }
            }
            now = after(now, wait);
            const said = [before.handleTimeout(now), before.handle(input, now), before.nextTimeout()];
            if (restored === undefined) continue;
            expect(
              withoutIds([restored.handleTimeout(now), restored.handle(input, now), restored.nextTimeout()]),
            ).toEqual(withoutIds(said));
            expect(restored.state).toBe(before.state);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('Call IDs in use are given to nobody, and those that rest go on resting', () => {
    const now = instant(0);
    const before = new RandomCallIds({ random: seededRandom(3), now: () => now }, { modulus: 8192, residue: 1 });
    const ids = Array.from({ length: 6 }, () => there(before.allocate()));
    const [gone, later, ...used] = ids;
    before.release(there(gone));
    before.release(there(later));
    const heir = new RandomCallIds({ random: seededRandom(5), now: () => now }, { modulus: 8192, residue: 1 });
    heir.restore(there(readCallIdsSnapshot(sent(before.snapshot()))), used);
    // Eight in all: two are free, then those that have rested longest, and none of those in use.
    const given = Array.from({ length: 4 }, () => there(heir.allocate()));
    expect(given.slice(2)).toEqual([gone, later]);
    expect(new Set([...given, ...used]).size).toBe(8);
    expect(heir.allocate()).toBeUndefined();
  });
});

/** New Call IDs are random; two processes need not choose the same. */
const withoutIds = (said: unknown): unknown =>
  JSON.parse(JSON.stringify(said, (key, value: unknown) => (key === 'localCallId' || key === 'bytes' ? 0 : value)));

describe('what another process has written', () => {
  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const read of [
          readLinkSnapshot,
          readControlSnapshot,
          readCallIdsSnapshot,
          readChannelSnapshot,
          readMppeSnapshot,
          readShapeSnapshot,
        ]) {
          expect(() => read(value)).not.toThrow();
        }
      }),
    );
  });

  it('a field of it that is something else: refused, or gone on with without an exception', () => {
    const options = serverOptions({ random: steadyRandom });
    const { link } = up(options, false);
    const whole = there(link.snapshot());
    fc.assert(
      fc.property(fc.nat(200), fc.anything(), fc.array(anyMove, { maxLength: 10 }), (which, value, moves) => {
        const spoilt = spoil(sent(whole), which, value);
        const read = readLinkSnapshot(spoilt);
        if (read === undefined) return;
        const heir = new Worked(PppLink.restored(options, read), instant(0));
        for (const move of moves) expect(() => heir.move(move)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it('a sender without its key stream is none', () => {
    const sender = new MppeSender(MASTER, { strength: 128, stateless: false });
    expect(MppeSender.restored({ ...sender.state(), tables: undefined })).toBeUndefined();
    const encoder = new MppeSender(MASTER, { strength: 128, stateless: true, compression: true }).state();
    const broken = { ...there(encoder.encoder), position: 5 };
    expect(MppeSender.restored({ ...encoder, encoder: broken })).toBeUndefined();
    const receiver = new MppeReceiver(MASTER, { strength: 40, stateless: true }).state();
    expect(MppeReceiver.restored({ ...receiver, earlierKey: new Uint8Array(3) })).toBeUndefined();
  });
});

/** One of the leaves of a value, counted from the first, is another one. */
const spoil = (value: unknown, which: number, by: unknown): unknown => {
  const places: { readonly holder: object; readonly key: string }[] = [];
  const visit = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null || holder instanceof Uint8Array) return;
    for (const [key, inner] of Object.entries(holder)) {
      places.push({ holder, key });
      visit(inner);
    }
  };
  visit(value);
  const place = places[which % places.length];
  if (place !== undefined) Reflect.set(place.holder, place.key, by);
  return value;
};
