import { describe, expect, test } from 'vitest';
import { PptpCall, PptpCallTable, WanErrorLimit } from '../../../../core/machine/pptp-call.ts';
import { callId } from '../../../../core/ports/ids.ts';
import { instant } from '../../../../core/time.ts';

const errors = (crc: number) => ({
  crc,
  framing: 0,
  hardwareOverruns: 0,
  bufferOverruns: 0,
  timeOuts: 0,
  alignment: 0,
});
/** A call that we placed: we are its PNS. */
const call = (local: number, state: 'wait-reply' | 'established' | 'wait-disconnect', peer?: number) =>
  new PptpCall({
    localCallId: callId(local),
    serial: 1,
    tag: local,
    state,
    ...(peer === undefined ? {} : { peerCallId: callId(peer) }),
  });

describe('PptpCallTable', () => {
  test('the two number spaces are apart: one number can be a local and a peer ID of different calls', () => {
    const table = new PptpCallTable();
    const [a, b] = [call(1, 'established', 2), call(2, 'established', 1)];
    table.add(a);
    table.add(b);
    expect([table.local(1), table.peer(1)]).toEqual([a, b]);
    table.remove(a);
    expect([table.local(1), table.peer(2), table.size]).toEqual([undefined, undefined, 1]);
  });

  test('a CDN means the peer ID first, then ours, then the only call cleared before its reply', () => {
    const table = new PptpCallTable();
    const [a, b, c] = [call(1, 'established', 2), call(2, 'established', 9), call(3, 'wait-disconnect')];
    for (const one of [a, b, c]) table.add(one);
    expect(table.disconnected(2)).toBe(a);
    expect(table.disconnected(1)).toBe(a);
    expect(table.disconnected(9)).toBe(b);
    expect(table.disconnected(77)).toBe(c);
    table.add(call(4, 'wait-disconnect'));
    expect(table.disconnected(77)).toBeUndefined();
  });

  test('a CDN from the PNS of a call is no CDN by our own ID: only a PAC mistakes the two', () => {
    const table = new PptpCallTable();
    const answered = new PptpCall({
      localCallId: callId(1),
      serial: 1,
      state: 'established',
      peerCallId: callId(2),
    });
    table.add(answered);
    expect([table.disconnected(1), table.disconnected(2)]).toEqual([undefined, answered]);
  });

  test('calls are found while there is one, while there are several, and when one is left or none', () => {
    const table = new PptpCallTable();
    const [a, b] = [call(1, 'established', 11), call(2, 'wait-reply')];
    const found = () => [table.local(1), table.peer(11), table.local(2), table.peer(12), table.all(), table.size];
    table.add(a);
    expect(found()).toEqual([a, a, undefined, undefined, [a], 1]);
    table.add(b);
    expect(table.learnPeerCallId(b, callId(12))).toBe(true);
    expect(found()).toEqual([a, a, b, b, [a, b], 2]);
    table.remove(a);
    expect(found()).toEqual([undefined, undefined, b, b, [b], 1]);
    table.remove(b);
    expect(found()).toEqual([undefined, undefined, undefined, undefined, [], 0]);
    table.add(a);
    expect(found()).toEqual([a, a, undefined, undefined, [a], 1]);
  });

  test('a peer ID is learnt once', () => {
    const table = new PptpCallTable();
    const [a, b] = [call(1, 'wait-reply'), call(2, 'wait-reply')];
    table.add(a);
    table.add(b);
    expect(table.learnPeerCallId(a, callId(7))).toBe(true);
    expect(table.learnPeerCallId(b, callId(7))).toBe(false);
    expect(table.peer(7)).toBe(a);
  });
});

describe('PptpCall', () => {
  test('errors are held back for a minute after the last ones were told', () => {
    const one = call(1, 'established', 2);
    expect([one.nextTimeout(), one.dueErrors(instant(5))]).toEqual([undefined, undefined]);
    expect(one.offerErrors(errors(1), instant(10))).toEqual(errors(1));
    expect(one.offerErrors(errors(2), instant(20))).toBeUndefined();
    expect(one.nextTimeout()).toBe(60_010);
    expect(one.dueErrors(instant(60_010))).toEqual(errors(2));
  });
});

describe('WanErrorLimit', () => {
  test('errors that are back where they were reported need no message', () => {
    const limit = new WanErrorLimit();
    expect(limit.offer(errors(1), instant(0))).toEqual(errors(1));
    expect(limit.offer(errors(2), instant(10))).toBeUndefined();
    expect(limit.nextTimeout()).toBe(60_000);
    expect(limit.offer(errors(1), instant(20))).toBeUndefined();
    expect(limit.nextTimeout()).toBeUndefined();
    expect(limit.due(instant(60_000))).toBeUndefined();
  });

  test('no error at all needs none either', () => {
    expect(new WanErrorLimit().offer(errors(0), instant(0))).toBeUndefined();
  });
});
