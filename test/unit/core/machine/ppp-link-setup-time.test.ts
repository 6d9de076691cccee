import { describe, expect, it } from 'vitest';
import { PPP } from '../../../../core/wire/ppp.ts';
import { LinkBench } from '../../../support/link-bench.ts';
import { PROFILE, serverOptions } from '../../../support/link-options.ts';

const SETUP_MS = 40_000;

describe('the time of a set-up', () => {
  const bench = () => {
    const link = new LinkBench(
      serverOptions({ authMethods: [], encryption: 'disabled', setupTimeoutMs: SETUP_MS, echoIntervalMs: 0 }),
    );
    link.open();
    return link;
  };
  const lcpUp = (link: LinkBench): void => {
    link.frame(PPP.lcp, '01010004');
    link.acknowledge(PPP.lcp);
  };

  it('is over for a peer that renegotiates LCP for ever', () => {
    const link = bench();
    for (let second = 0; second < SETUP_MS / 1000; second += 1) {
      expect(link.closed).toBeUndefined();
      lcpUp(link);
      link.wait(1_000);
    }
    link.wait(10_000);
    expect(link.closed).toMatchObject({ reason: 'negotiation-failed', detail: 'the link was not established in time' });
  });

  it('is over for a peer that is in and never asks for an address', () => {
    const link = bench();
    lcpUp(link);
    link.input({ kind: 'authorize', profile: PROFILE });
    for (let second = 0; second < SETUP_MS / 1000; second += 1) {
      expect(link.closed).toBeUndefined();
      // It takes what we ask for, and never asks itself.
      link.acknowledge(PPP.ipcp);
      link.wait(1_000);
    }
    link.wait(10_000);
    expect(link.closed).toMatchObject({ reason: 'negotiation-failed' });
  });

  it('ends when the network is up, and begins again with a new negotiation', () => {
    const link = bench();
    lcpUp(link);
    link.input({ kind: 'authorize', profile: PROFILE });
    link.acknowledge(PPP.ipcp);
    link.frame(PPP.ipcp, '0101000a03060a4e010a');
    expect(link.all('network')).toHaveLength(1);
    link.wait(SETUP_MS - 1);
    expect(link.closed).toBeUndefined();
    for (let second = 0; second < SETUP_MS / 1000; second += 1) {
      expect(link.closed).toBeUndefined();
      lcpUp(link);
      link.wait(1_000);
    }
    link.wait(10_000);
    expect(link.closed).toMatchObject({ detail: 'the link was not established in time' });
  });
});
