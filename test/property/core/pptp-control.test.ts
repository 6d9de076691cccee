import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex } from '../../../core/bytes/hex.ts';
import type { ControlEffect, ControlInput, ControlRole } from '../../../core/machine/pptp-control-types.ts';
import { CLEAR_REASONS } from '../../../core/ports/control.ts';
import { callId } from '../../../core/ports/ids.ts';
import { writePptpMessage } from '../../../core/wire/pptp-message.ts';
import { octets, pptpMessages, segmentsOf } from '../../support/control-arbitraries.ts';
import { ControlRig, callReply, callRequest, sentBy, startReply, startRequest } from '../../support/control-rig.ts';
import { CONTROL_VECTORS } from '../../vectors/rfc2637-control-messages.ts';

type Step = { readonly wait: number; readonly input: ControlInput };

const id = fc.oneof(fc.nat(3), fc.nat(0xffff));
const likely = fc.oneof(
  fc.constant(startRequest()),
  fc.constant(startReply()),
  id.map((n) => callRequest(n)),
  fc.tuple(id, id).map(([a, b]) => callReply(a, b)),
  id.map((n) => ({ kind: 'call-clear-request', callId: n }) as const),
  pptpMessages,
);
const bytesInput = fc.oneof(
  { weight: 6, arbitrary: likely.map(writePptpMessage) },
  { weight: 1, arbitrary: octets(60) },
  { weight: 1, arbitrary: fc.constantFrom(...CONTROL_VECTORS.map((v) => fromHex(v.hex).subarray(0, 13))) },
);
const errors = fc.record({
  crc: id,
  framing: id,
  hardwareOverruns: id,
  bufferOverruns: id,
  timeOuts: id,
  alignment: id,
});
const ownInputs: fc.Arbitrary<ControlInput> = fc.oneof(
  fc.record({
    kind: fc.constant('clear-call' as const),
    localCallId: id.map(callId),
    reason: fc.constantFrom(...CLEAR_REASONS),
    detail: fc.string(),
  }),
  fc.record({ kind: fc.constant('place-call' as const), tag: fc.nat() }),
  fc.record({ kind: fc.constant('place-incoming-call' as const), tag: fc.nat() }),
  fc.constant<ControlInput>({ kind: 'yield' }),
  fc.record({ kind: fc.constant('wan-error' as const), localCallId: id.map(callId), errors }),
  fc.record({
    kind: fc.constant('set-link-info' as const),
    localCallId: id.map(callId),
    sendAccm: fc.nat(),
    receiveAccm: fc.nat(),
  }),
  fc.record({ kind: fc.constant('stop' as const), reason: fc.constantFrom('none' as const, 'shutdown' as const) }),
  fc.constant<ControlInput>({ kind: 'refuse-calls' }),
  fc.constant<ControlInput>({ kind: 'open' }),
  fc.constant<ControlInput>({ kind: 'closed', detail: 'test' }),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    wait: fc.oneof(fc.constant(0), fc.nat(100_000)),
    input: fc.oneof(
      { weight: 5, arbitrary: bytesInput.map((bytes): ControlInput => ({ kind: 'bytes', bytes })) },
      { weight: 2, arbitrary: ownInputs },
    ),
  }),
  { maxLength: 40 },
);

/** Opened before closed, closed at most once, nothing after the last effect. */
const checkStory = (effects: readonly ControlEffect[]): void => {
  const open = new Set<number>();
  let closed = false;
  for (const effect of effects) {
    if (effect.kind === 'note' || effect.kind === 'call-failed') continue;
    expect(closed).toBe(false);
    if (effect.kind === 'call-opened') {
      expect(open.has(effect.localCallId)).toBe(false);
      expect(effect.localCallId).not.toBe(0);
      open.add(effect.localCallId);
    }
    if (effect.kind === 'call-closed') expect(open.delete(effect.localCallId)).toBe(true);
    if (effect.kind === 'close') {
      closed = true;
      expect(open.size).toBe(0);
    }
  }
};

test.each(['pac', 'pns'] as const)(
  'any octets and inputs at any time: progress or a named end, never more (%s)',
  (role) => {
    fc.assert(
      fc.property(steps, fc.boolean(), (sequence, started) => {
        // Small Call IDs, so that random ones meet them.
        let next = 1;
        const callIds = { allocate: () => callId(next++), release: () => undefined };
        const rig = new ControlRig({ role, callIds, options: { maxCalls: 4, acceptIncomingCalls: true } });
        rig.input({ kind: 'open' });
        if (started) rig.receives(role === 'pac' ? startRequest() : startReply());
        for (const { wait, input } of sequence) {
          rig.at(rig.now + wait);
          rig.input(input);
          expect(rig.machine.buffered).toBeLessThan(220);
          expect(rig.machine.callCount).toBeLessThanOrEqual(4);
        }
        rig.input({ kind: 'closed', detail: 'the end' });
        checkStory(rig.effects);
        expect(sentBy(rig.effects).length).toBe(rig.all('send').length);
        expect([rig.machine.state, rig.machine.callCount, rig.machine.nextTimeout()]).toEqual(['closed', 0, undefined]);
        expect(rig.all('call-opened').length).toBe(rig.all('call-closed').length);
        expect(rig.all('close')).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  },
);

test.each(['pac', 'pns'] as const)(
  'an answer to a stranger is never larger than the question (%s)',
  (role: ControlRole) => {
    fc.assert(
      fc.property(fc.array(bytesInput, { maxLength: 10 }), (chunks) => {
        const rig = new ControlRig({ role });
        rig.input({ kind: 'open' });
        rig.effects.length = 0;
        let asked = 0;
        for (const bytes of chunks) {
          if (rig.machine.state === 'established') break;
          asked += bytes.length;
          rig.input({ kind: 'bytes', bytes });
        }
        const answered = rig.all('send').reduce((sum, effect) => sum + effect.bytes.length, 0);
        expect(answered).toBeLessThanOrEqual(asked);
      }),
    );
  },
);

type Act = {
  readonly who: 'pac' | 'pns';
  readonly what: number;
  readonly which: number;
  readonly cuts: readonly number[];
};
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.record({
    who: fc.constantFrom('pac' as const, 'pns' as const),
    what: fc.nat(7),
    which: fc.nat(3),
    cuts: fc.array(fc.nat(100), { maxLength: 4 }),
  }),
  { maxLength: 40 },
);

/** Two machines joined by a wire that keeps order but cuts the stream anywhere and may be late. */
class Pair {
  readonly pac: ControlRig;
  /** The one that opens the connection; with `caller` it is a PAC, too, and the other takes its calls. */
  readonly pns: ControlRig;
  private readonly seen = { pac: 0, pns: 0 };
  private readonly wires: { pac: Uint8Array[]; pns: Uint8Array[] } = { pac: [], pns: [] };

  constructor(caller: ControlRole = 'pns') {
    const acceptIncomingCalls = true;
    this.pac = new ControlRig({ role: 'pac', options: { maxCalls: 3, acceptIncomingCalls }, seed: 11 });
    this.pns = new ControlRig({
      role: caller,
      options: { maxCalls: 4, acceptIncomingCalls: caller === 'pns', originates: true },
      seed: 22,
    });
  }

  /** Puts what `who` has sent since the last time onto the wire to the other. */
  private post(who: 'pac' | 'pns', cuts: readonly number[]): void {
    const effects = this[who].effects;
    for (const effect of effects.slice(this.seen[who])) {
      if (effect.kind === 'send') this.wires[who === 'pac' ? 'pns' : 'pac'].push(...segmentsOf(effect.bytes, cuts));
    }
    this.seen[who] = effects.length;
  }

  /** Gives at most `count` waiting segments to `who`. */
  deliver(who: 'pac' | 'pns', count: number, cuts: readonly number[]): void {
    this.post('pac', cuts);
    this.post('pns', cuts);
    for (const bytes of this.wires[who].splice(0, count)) this[who].input({ kind: 'bytes', bytes });
  }

  settle(): void {
    for (let turn = 0; turn < 200; turn += 1) {
      this.deliver('pac', 1000, []);
      this.deliver('pns', 1000, []);
    }
  }

  live(who: 'pac' | 'pns'): string[] {
    const calls = new Map<number, string>();
    for (const effect of this[who].effects) {
      if (effect.kind === 'call-opened') {
        const pair = who === 'pac' ? [effect.localCallId, effect.peerCallId] : [effect.peerCallId, effect.localCallId];
        calls.set(effect.localCallId, pair.join('-'));
      }
      if (effect.kind === 'call-closed') calls.delete(effect.localCallId);
    }
    return [...calls.values()].sort();
  }
}

test.each(['pns', 'pac'] as const)(
  'client (%s) and server end up with the same calls, whatever each does and however late the wire is',
  (caller) => {
    let opened = 0;
    fc.assert(
      fc.property(acts, (sequence) => {
        const pair = new Pair(caller);
        pair.pac.input({ kind: 'open' });
        pair.pns.input({ kind: 'open' });
        pair.settle();
        let tag = 0;
        for (const { who, what, which, cuts } of sequence) {
          const rig = pair[who];
          const call = rig.all('call-opened')[which];
          if (what <= 2) pair.deliver(who, which + 1, cuts);
          else if (what === 3) pair.pns.input({ kind: 'place-call', tag: tag++ });
          else if (what === 4) {
            const announcer = caller === 'pac' ? pair.pns : pair.pac;
            announcer.input({ kind: 'place-incoming-call', tag: tag++ });
          } else if (what === 5 && call !== undefined) {
            rig.input({ kind: 'clear-call', localCallId: call.localCallId, reason: 'administrative', detail: '' });
          } else if (what === 6) pair.pns.at(pair.pns.now + which * 10_000);
          else pair.pac.at(pair.pac.now + which * 10_000);
        }
        pair.settle();
        for (const rig of [pair.pac, pair.pns]) checkStory(rig.effects);
        if (pair.pac.machine.state !== 'established' || pair.pns.machine.state !== 'established') return;
        expect(pair.live('pac')).toEqual(pair.live('pns'));
        expect(pair.pac.machine.callCount).toBe(pair.live('pac').length);
        expect(pair.pns.machine.callCount).toBe(pair.live('pns').length);
        // Every call that was asked for had an answer.
        const answers = [pair.pac, pair.pns].flatMap((rig) => [...rig.all('call-opened'), ...rig.all('call-failed')]);
        expect(answers.filter((answer) => answer.tag !== undefined)).toHaveLength(tag);
        opened += pair.live('pac').length;
        pair.pns.input({ kind: 'stop', reason: 'none' });
        pair.settle();
        expect([pair.pac.machine.state, pair.pns.machine.state]).toEqual(['closed', 'closed']);
        expect([pair.live('pac'), pair.live('pns')]).toEqual([[], []]);
      }),
      { numRuns: 300 },
    );
    expect(opened).toBeGreaterThan(0);
  },
  60_000,
);

test('two machines keep each other alive for a day', () => {
  const pair = new Pair();
  pair.pac.input({ kind: 'open' });
  pair.pns.input({ kind: 'open' });
  pair.settle();
  for (let second = 0; second <= 86_400; second += 60) {
    pair.pac.at(second * 1000);
    pair.pns.at(second * 1000);
    for (let turn = 0; turn < 3; turn += 1) {
      pair.deliver('pac', 1000, []);
      pair.deliver('pns', 1000, []);
    }
  }
  expect([pair.pac.machine.state, pair.pns.machine.state]).toEqual(['established', 'established']);
});
