import { describe, expect, it } from 'vitest';
import type { AuthEffect, AuthInput, AuthMethod } from '../../../../core/ports/auth.ts';
import { PPP } from '../../../../core/wire/ppp.ts';
import { LinkBench } from '../../../support/link-bench.ts';
import { clientOptions, serverOptions } from '../../../support/link-options.ts';

/** Computes as soon as it starts; what it is given back decides. */
const thinking = (heard: string[], contexts: object[] = []): AuthMethod => ({
  name: 'thinking',
  lcpOption: Uint8Array.of(0xc2, 0x27),
  preference: 1,
  yieldsKeys: true,
  protocols: [PPP.eap],
  begin: (context) => {
    contexts.push(context);
    return {
      handle: (input: AuthInput): readonly AuthEffect[] => {
        if (input.kind === 'start') return [{ kind: 'compute', task: () => Promise.resolve('done') }];
        heard.push(input.kind);
        return input.kind === 'computed' || input.kind === 'network-started'
          ? [{ kind: 'accept', identity: 'a', profile: {} }]
          : [];
      },
      nextTimeout: () => undefined,
      handleTimeout: () => [],
    };
  },
});
const DONE = { kind: 'computed', result: { ok: true, value: 'done' } } as const;

describe('a method that computes', () => {
  it('is told the result, and what the link can carry and needs', () => {
    const heard: string[] = [];
    const contexts: object[] = [];
    const bench = new LinkBench(serverOptions({ authMethods: [thinking(heard, contexts)], mru: 1300 })).toLcpOpened();
    expect(bench.all('compute')).toHaveLength(1);
    bench.input(DONE);
    expect(bench.all('authenticated')).toMatchObject([{ method: 'thinking', identity: 'a' }]);
    expect(contexts).toMatchObject([{ role: 'authenticator', mru: 1300, keysRequired: true }]);
  });

  it('never gets the result of the exchange before LCP was renegotiated, nor is asked for two at a time', () => {
    const heard: string[] = [];
    const bench = new LinkBench(serverOptions({ authMethods: [thinking(heard)] })).toLcpOpened();
    bench.frame(PPP.lcp, '01 02 0012 0104 0578 0506 01020305 0702 0802');
    bench.acknowledge(PPP.lcp);
    expect(bench.all('compute')).toHaveLength(1);
    bench.input(DONE);
    expect(heard).toEqual([]);
    expect(bench.ignored).toContain('stale-verdict');
    // Only now is the new exchange served.
    expect(bench.all('compute')).toHaveLength(2);
    bench.input(DONE);
    expect(heard).toEqual(['computed']);
    expect(bench.all('authenticated')).toHaveLength(1);
  });

  it('a client hears of the first network protocol; a server does not', () => {
    const heard: string[] = [];
    const methods = { authMethods: [thinking(heard)] };
    const server = new LinkBench(serverOptions(methods)).toLcpOpened();
    server.frame(PPP.ccp, '01 01 000a 1206 01000040');
    expect(heard).toEqual([]);
    const client = new LinkBench(clientOptions({ ...methods, encryption: 'permitted' }));
    client.open();
    client.frame(PPP.lcp, '01 01 0012 0304 c227 0506 01020304 0702 0802');
    client.acknowledge(PPP.lcp);
    const [, answer] = client.frame(PPP.ipcp, '01 01 000a 0306 0a4e0101');
    expect(heard).toEqual(['network-started']);
    expect(answer).toBeDefined();
  });
});
