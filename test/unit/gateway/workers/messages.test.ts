import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseSupervisorMessage,
  parseWorkerMessage,
  type WorkerMessage,
} from '../../../../gateway/workers/messages.ts';

const FROM_WORKERS: readonly WorkerMessage[] = [
  { kind: 'ready', tun: 'pptp0', stages: ['100 gre'] },
  { kind: 'failed', code: 'GRE_SOCKET', message: 'no GRE here' },
  { kind: 'broken', device: 'tun', message: 'gone' },
  { kind: 'taken', connection: 7 },
  { kind: 'ended', connection: 7 },
  { kind: 'pong', id: 3, sessions: 7 },
  { kind: 'request', id: 1, ask: 'lease', body: { wanted: 1 } },
  { kind: 'response', id: 1, ok: true, body: undefined },
  { kind: 'response', id: 1, ok: false, code: 'GONE', message: 'not there' },
];

describe('what a worker says', () => {
  it('is taken as it is', () => {
    for (const message of FROM_WORKERS) expect(parseWorkerMessage(message)).toEqual(message);
  });

  it('is nothing when a field is missing or of another kind', () => {
    for (const message of FROM_WORKERS) {
      for (const name of Object.keys(message).filter((one) => one !== 'body')) {
        expect(
          parseWorkerMessage({ ...message, [name]: undefined }),
          `${message.kind} without ${name}`,
        ).toBeUndefined();
        expect(
          parseWorkerMessage({ ...message, [name]: [[]] }),
          `${message.kind} with a list as ${name}`,
        ).toBeUndefined();
      }
    }
  });

  it('and what a supervisor says may be anything', () => {
    const kinds = ['ready', 'failed', 'broken', 'taken', 'ended', 'pong', 'request', 'response', 'start', 'connection'];
    const anything = fc.oneof(
      fc.anything(),
      fc.record({
        kind: fc.constantFrom(...kinds, 'ping', 'stop'),
        id: fc.anything(),
        connection: fc.anything(),
        ok: fc.anything(),
        code: fc.anything(),
        message: fc.anything(),
        ask: fc.anything(),
        start: fc.anything(),
      }),
    );
    fc.assert(
      fc.property(anything, (value) => {
        for (const parse of [parseWorkerMessage, parseSupervisorMessage]) {
          const message = parse(value);
          if (message !== undefined) expect(value).toMatchObject({ kind: message.kind });
        }
      }),
    );
  });
});

describe('what a supervisor says', () => {
  it('is taken as it is', () => {
    const start = { shard: { index: 1, count: 2 }, config: {}, version: '1.2.3', restarts: 0 };
    const connection = { kind: 'connection', connection: 1, isKnown: true };
    for (const message of [{ kind: 'start', start }, connection, { kind: 'stop' }]) {
      expect(parseSupervisorMessage(message)).toEqual(message);
    }
    expect(parseSupervisorMessage({ kind: 'ping', id: 2 })).toEqual({ kind: 'ping', id: 2 });
    expect(parseSupervisorMessage({ kind: 'start', start: { ...start, shard: 1 } })).toBeUndefined();
    expect(parseSupervisorMessage({ kind: 'connection', connection: 1 })).toBeUndefined();
    expect(parseSupervisorMessage({ kind: 'ready', tun: 'x', stages: [] })).toBeUndefined();
  });
});
