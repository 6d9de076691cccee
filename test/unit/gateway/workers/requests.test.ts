import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { type Ask, AskError } from '../../../../gateway/workers/ask.ts';
import type { RequestMessage } from '../../../../gateway/workers/messages.ts';
import { Answerers, Requests } from '../../../../gateway/workers/requests.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const isNumber = (value: unknown): value is number => typeof value === 'number';
const DOUBLE: Ask<number, number> = { name: 'double', isBody: isNumber, isAnswer: isNumber };

const bench = () => {
  const clock = new ManualClock();
  const sent: RequestMessage[] = [];
  const requests = new Requests(clock, (message) => sent.push(message));
  const answerers = new Answerers();
  /** As the other process does. */
  const answerAll = async (): Promise<void> => {
    for (const message of sent.splice(0)) requests.take(await answerers.answer(message, 3));
  };
  return { clock, sent, requests, answerers, answerAll };
};

describe('questions between processes', () => {
  it('get their own answers, in whatever order', async () => {
    const { requests, answerers, sent } = bench();
    answerers.set(DOUBLE, (body) => body * 2);
    const asked = [requests.request(DOUBLE, 1), requests.request(DOUBLE, 2)];
    for (const message of sent.toReversed()) requests.take(await answerers.answer(message, 0));
    expect(await Promise.all(asked)).toEqual([2, 4]);
  });

  it('tell who answers which process asks', async () => {
    const { requests, answerers, answerAll } = bench();
    answerers.set(DOUBLE, async (body, from) => body * 10 + from);
    const asked = requests.request(DOUBLE, 1);
    await answerAll();
    expect(await asked).toBe(13);
  });

  it.each([
    ['UNKNOWN', undefined],
    ['INTERNAL', () => Promise.reject(new Error('a bug'))],
    ['HOST_NETWORK', () => Promise.reject(new GatewayError('HOST_NETWORK', 'no route'))],
    ['in-use', () => Promise.reject(new AskError('in-use', 'somebody has it'))],
  ])('are refused with a code: %s', async (code, answerer) => {
    const { requests, answerers, answerAll } = bench();
    if (answerer !== undefined) answerers.set(DOUBLE, answerer);
    const asked = requests.request(DOUBLE, 1);
    const failed = expect(asked).rejects.toMatchObject({ name: 'AskError', code });
    await answerAll();
    await failed;
  });

  it('are not believed when they are not what was agreed on', async () => {
    const { requests, answerers, sent } = bench();
    answerers.set(DOUBLE, (body) => body);
    const asked = requests.request(DOUBLE, 1);
    const failed = expect(asked).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    requests.take({ kind: 'response', id: sent[0]?.id ?? 0, ok: true, body: 'two' });
    await failed;
    const request = { kind: 'request', id: 9, ask: 'double', body: 'one' } as const;
    expect(await answerers.answer(request, 0)).toMatchObject({ id: 9, ok: false, code: 'BAD_REQUEST' });
  });

  it('end after their time, and a late answer is passed over', async () => {
    const { requests, clock, sent } = bench();
    const failed = expect(requests.request(DOUBLE, 1, 250)).rejects.toMatchObject({ code: 'TIMEOUT' });
    clock.advance(250);
    await failed;
    requests.take({ kind: 'response', id: sent[0]?.id ?? 0, ok: true, body: 2 });
    expect(clock.scheduled).toBe(0);
  });

  it('end when the other process does', async () => {
    const { requests, clock } = bench();
    const asked = [requests.request(DOUBLE, 1), requests.request(DOUBLE, 2)];
    requests.fail();
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'GONE' });
    expect(clock.scheduled).toBe(0);
  });

  it('are bounded', async () => {
    const { requests } = bench();
    const failed: Promise<unknown>[] = [];
    for (let i = 0; i < 4096; i += 1) failed.push(requests.request(DOUBLE, i).catch((cause: unknown) => cause));
    await expect(requests.request(DOUBLE, 1)).rejects.toMatchObject({ code: 'BUSY' });
    requests.fail();
    expect(await Promise.all(failed)).toHaveLength(4096);
  });

  it('have one who answers', () => {
    const { answerers } = bench();
    answerers.set(DOUBLE, (body) => body);
    expect(() => answerers.set(DOUBLE, (body) => body)).toThrow('double');
  });
});
