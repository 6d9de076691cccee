import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccessTokens } from '../../../../gateway/admin/access-tokens.ts';
import { RefusedBudget } from '../../../../gateway/admin/audit-changes.ts';
import { BearerCaller, type BearerDeps } from '../../../../gateway/admin/bearer.ts';
import { ProvenConnections } from '../../../../gateway/admin/proven-connections.ts';
import { WrongTokens } from '../../../../gateway/admin/wrong-tokens.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const RIGHT = 'the-right-one-of-the-two';
const OTHER = 'the-other-one-that-reads';

let now: number;
let tokens: AccessTokens;
let deps: BearerDeps;
beforeEach(() => {
  now = 0;
  tokens = new AccessTokens({ admin: RIGHT, operate: '', read: OTHER });
  deps = {
    log: new MemoryLog(),
    audit: { note: async () => undefined, read: async () => [] },
    tokens: () => tokens,
    wrong: new WrongTokens(() => now),
    refused: new RefusedBudget(() => now),
    proven: new ProvenConnections(),
  };
});

/** The role that a request on this connection gets, or the status that it is refused with. */
const ask = (socket: Socket, token: string): unknown => {
  const request = new IncomingMessage(socket);
  request.headers.authorization = `Bearer ${token}`;
  try {
    return new BearerCaller(request, deps).identify();
  } catch (error) {
    return Object(error).status;
  }
};
/** From the same source: sockets without a connection have no address. */
const spendBudget = (): void => {
  for (let at = 0; ask(new Socket(), `wrong-${at}`) === 401; at += 1);
};

describe('of a source whose wrong tokens are not looked at any more', () => {
  it('a new connection is not either, whatever it shows', () => {
    spendBudget();
    expect([ask(new Socket(), RIGHT), ask(new Socket(), 'wrong')]).toEqual([429, 429]);
    now += 6000;
    expect(ask(new Socket(), RIGHT)).toBe('admin');
  });

  it('a connection on which the right one was shown goes on with it', () => {
    const socket = new Socket();
    expect(ask(socket, RIGHT)).toBe('admin');
    spendBudget();
    for (let again = 0; again < 100; again += 1) expect(ask(socket, RIGHT)).toBe('admin');
  });

  it('such a connection is no way to guess: another token, right or wrong, costs it what it had proven', () => {
    for (const guess of [OTHER, 'wrong', `${RIGHT}x`, RIGHT.slice(1)]) {
      const socket = new Socket();
      now += 60_000;
      expect(ask(socket, RIGHT)).toBe('admin');
      spendBudget();
      expect([ask(socket, guess), ask(socket, RIGHT)]).toEqual([429, 429]);
    }
  });

  it('a wrong one ends the proof also while there is budget', () => {
    const socket = new Socket();
    expect([ask(socket, RIGHT), ask(socket, 'wrong')]).toEqual(['admin', 401]);
    spendBudget();
    expect(ask(socket, RIGHT)).toBe(429);
  });

  it('a token that is not one of the gateway any more is refused and counts', () => {
    const socket = new Socket();
    expect(ask(socket, RIGHT)).toBe('admin');
    spendBudget();
    tokens = new AccessTokens({ admin: 'a-new-one-for-the-admin', operate: '', read: OTHER });
    expect([ask(socket, RIGHT), ask(socket, RIGHT)]).toEqual([401, 429]);
  });
});
