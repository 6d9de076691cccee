import { describe, expect, it } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import type { EncryptionPolicy, LinkOptions, MppeStrength } from '../../../core/machine/ppp-link-types.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { serverOptions } from '../../support/link-options.ts';
import { LinkPair } from '../../support/link-pair.ts';

const ALL: readonly MppeStrength[] = [128, 56, 40];
const server = (encryption: EncryptionPolicy, mppeStrengths: readonly MppeStrength[] = [128]): LinkBench =>
  new LinkBench(serverOptions({ encryption, mppeStrengths })).toNetwork();
/** Our answer to a CCP Configure-Request with these Supported Bits, without a request of our own before it. */
const answer = (link: LinkBench, bits: string): string | undefined =>
  link.frame(PPP.ccp, `01 01 000a 1206 ${bits}`).findLast((sent) => !sent.startsWith('80fd 01'));

describe('RFC 3078 section 2.1, what we request', () => {
  it.each([
    [[128] as const, '01000040'],
    [[40, 56, 128] as const, '010000e0'],
    [[40] as const, '01000020'],
    [[56, 128] as const, '010000c0'],
  ])('with %j allowed: %s', (strengths, bits) => {
    expect(toHex(server('required', strengths).lastRequest(PPP.ccp))).toBe(`0101000a1206${bits}`);
  });
});

describe('RFC 3078 section 2.1, what we answer', () => {
  it.each([
    ['the one allowed strength', '01000040', '02'],
    ['all strengths', '010000e0', '03', '01000040'],
    ['Windows: all strengths and compression', '010000e1', '03', '01000040'],
    ['40 bits only', '01000020', '03', '01000040'],
    ['stateful 128 bits', '00000040', '03', '01000040'],
    ['the obsolete bit', '01000050', '03', '01000040'],
    ['a reserved bit', '03000040', '03', '01000040'],
    ['nothing', '00000000', '03', '01000040'],
    ['compression alone', '00000001', '03', '01000040'],
  ])('to %s', (_, bits, code, reply = bits) => {
    expect(answer(server('required'), bits)).toBe(`80fd ${code}01000a1206${reply}`);
  });

  it('chooses the strongest common strength', () => {
    expect(answer(server('required', ALL), '010000a0')).toBe('80fd 0301000a120601000080');
    expect(answer(server('required', [56, 40]), '010000e0')).toBe('80fd 0301000a120601000080');
    expect(answer(server('required', ALL), '01000020')).toBe('80fd 0201000a120601000020');
  });

  it('prompts for MPPE when the peer leaves it out, if the policy wants it', () => {
    expect(server('required').frame(PPP.ccp, '01 01 0004')).toEqual(['80fd 0301000a120601000040']);
    expect(server('preferred').frame(PPP.ccp, '01 01 0004')).toEqual(['80fd 0301000a120601000040']);
    expect(server('permitted').frame(PPP.ccp, '01 01 0004').at(-1)).toBe('80fd 02010004');
  });

  it('rejects other compression, and MPPE when it is disabled', () => {
    expect(server('required').frame(PPP.ccp, '01 01 0007 1503 2f')).toEqual(['80fd 0401000715032f']);
    expect(answer(server('disabled'), '01000040')).toBe('80fd 0401000a120601000040');
    expect(answer(server('permitted'), '00000001')).toBe('80fd 0401000a120600000001');
  });

  it('takes an option of the wrong length for one that needs correction', () => {
    expect(server('required').frame(PPP.ccp, '01 01 0006 1202')).toEqual(['80fd 0301000a120601000040']);
  });

  it('keeps to one strength in both directions', () => {
    const link = server('required', ALL);
    expect(answer(link, '01000020')).toBe('80fd 0201000a120601000020');
    // The peer, too, is content with 40 bits for our direction only after it was told.
    link.frame(PPP.ccp, '03 01 000a 1206 01000020');
    expect(toHex(link.lastRequest(PPP.ccp))).toBe('0102000a120601000020');
    link.acknowledge(PPP.ccp);
    expect(link.all('encryption').at(-1)?.parameters).toMatchObject({ strength: 40, stateless: true });
  });

  it.each([
    ['Configure-Request', '01 02 000a 1206 010000e0'],
    ['Terminate-Ack', '06 02 0004'],
  ])('negotiates from the beginning after a %s on an open CCP', (_, again) => {
    const link = server('required', ALL);
    answer(link, '01000020');
    link.frame(PPP.ccp, '03 01 000a 1206 01000020');
    link.acknowledge(PPP.ccp);
    expect(link.all('encryption').at(-1)?.parameters?.strength).toBe(40);
    link.frame(PPP.ccp, again);
    expect(link.all('encryption').at(-1)?.parameters).toBeUndefined();
    expect(toHex(link.lastRequest(PPP.ccp))).toBe('0103000a1206010000e0');
    expect(answer(link, '010000e0')).toBe('80fd 0301000a120601000040');
  });

  it('does not follow a peer that wants another strength for the other direction', () => {
    const link = server('required', ALL);
    link.frame(PPP.ccp, '01 01 000a 1206 01000020');
    link.frame(PPP.ccp, '03 01 000a 1206 01000040');
    expect(link.phases.at(-1)).toBe('ccp failed encryption-required');
  });

  it('ends the link when the two directions cannot be brought together', () => {
    const link = server('required', ALL);
    link.frame(PPP.ccp, '01 01 000a 1206 01000020');
    // Acknowledged as sent, with all strengths: the peer would now encrypt with 128 bits and decrypt with 40.
    link.acknowledge(PPP.ccp);
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'encryption-required' });
    expect(link.closed?.detail).toContain('directions');
  });
});

describe('bits H and C by configuration', () => {
  const wishing = (changes: Partial<LinkOptions>): LinkBench => new LinkBench(serverOptions(changes)).toNetwork();
  const requested = (link: LinkBench): string => toHex(link.lastRequest(PPP.ccp)).slice(-8);

  it.each([
    [{ statefulMppe: 'allow' }, '01000040'],
    [{ statefulMppe: 'prefer' }, '00000040'],
    [{ mppc: 'allow' }, '01000040'],
    [{ mppc: 'prefer' }, '01000041'],
    [{ mppc: 'prefer', statefulMppe: 'prefer', mppeStrengths: ALL }, '000000e1'],
    [{ encryption: 'disabled', mppc: 'prefer' }, '01000001'],
  ] as const)('with %j we request %s', (changes, bits) => expect(requested(wishing(changes))).toBe(bits));

  it.each([
    [{ statefulMppe: 'allow' }, '00000040', '02', '00000040'],
    [{ statefulMppe: 'allow' }, '01000040', '02', '01000040'],
    [{ statefulMppe: 'prefer' }, '01000040', '03', '00000040'],
    [{ mppc: 'allow' }, '010000e1', '03', '01000041'],
    [{ mppc: 'allow' }, '01000041', '02', '01000041'],
    [{ mppc: 'allow' }, '01000040', '02', '01000040'],
    [{ mppc: 'allow' }, '01000001', '03', '01000041'],
    [{ mppc: 'allow', encryption: 'permitted' }, '01000001', '02', '01000001'],
    [{ mppc: 'allow', encryption: 'disabled' }, '01000041', '03', '01000001'],
    [{ mppc: 'allow', encryption: 'disabled' }, '01000040', '04', '01000040'],
    [{ mppc: 'allow', encryption: 'disabled' }, '00000001', '03', '01000001'],
  ] as const)('with %j we answer %s with code %s, %s', (changes, bits, code, reply) => {
    expect(answer(wishing(changes), bits)).toBe(`80fd ${code}01000a1206${reply}`);
  });

  it('a peer that stays with stateless mode, though we prefer stateful, gets it', () => {
    const link = wishing({ statefulMppe: 'prefer' });
    expect(answer(link, '01000040')).toBe('80fd 0301000a120600000040');
    expect(answer(link, '01000040')).toBe('80fd 0201000a120601000040');
    link.acknowledge(PPP.ccp, 4);
    expect(requested(link)).toBe('01000040');
    link.acknowledge(PPP.ccp);
    expect(link.all('encryption').at(-1)?.parameters).toMatchObject({ strength: 128, stateless: true });
  });

  it('a peer that rejects our wishes is asked for stateless encryption alone, and only then given up', () => {
    const link = wishing({ statefulMppe: 'prefer', mppc: 'prefer' });
    expect(requested(link)).toBe('00000041');
    link.acknowledge(PPP.ccp, 4);
    expect(requested(link)).toBe('01000040');
    link.acknowledge(PPP.ccp, 4);
    expect(link.phases.at(-1)).toBe('ccp failed encryption-required');
  });

  it('a Nak without compression or with stateless mode is followed', () => {
    const link = wishing({ statefulMppe: 'prefer', mppc: 'prefer', mppeStrengths: ALL });
    link.frame(PPP.ccp, '03 01 000a 1206 01000080');
    expect(requested(link)).toBe('01000080');
    expect(answer(link, '01000080')).toBe('80fd 0201000a120601000080');
    link.acknowledge(PPP.ccp);
    expect(link.all('encryption').at(-1)?.parameters).toMatchObject({
      strength: 56,
      stateless: true,
      compression: false,
    });
  });

  it('compression without encryption does not open CCP where encryption is required', () => {
    const link = wishing({ mppc: 'prefer' });
    link.frame(PPP.ccp, '03 01 000a 1206 01000001');
    expect(link.phases.at(-1)).toBe('ccp failed encryption-required');
  });

  it('compression of one direction says nothing of the other', () => {
    const link = wishing({ mppc: 'allow' });
    answer(link, '01000041');
    link.acknowledge(PPP.ccp);
    expect(link.all('encryption').at(-1)?.parameters).toMatchObject({
      strength: 128,
      stateless: true,
      compression: true,
      receive: { stateless: true, compression: false },
    });
  });
});

describe('negotiation of MPPE cannot loop', () => {
  it.each(['required', 'preferred', 'permitted', 'disabled'] as const)(
    'with a peer that insists on stateful mode, policy %s',
    (policy) => {
      const link = server(policy);
      const sent: string[] = [];
      for (let i = 0; i < 60; i += 1) {
        sent.push(...link.frame(PPP.ccp, '01 01 000a 1206 00000040'));
        const requested = link.all('send').findLast(({ protocol, bytes }) => protocol === PPP.ccp && bytes[0] === 1);
        if (requested !== undefined) {
          sent.push(...link.frame(PPP.ccp, Uint8Array.of(3, requested.bytes[1] ?? 0, 0, 10, 18, 6, 0, 0, 0, 0x40)));
        }
      }
      expect(sent.filter((one) => one.startsWith('80fd')).length).toBeLessThan(60);
      expect(link.all('encryption').filter(({ parameters }) => parameters !== undefined)).toEqual([]);
      if (policy === 'required') expect(link.phases).toContain('ccp failed encryption-required');
      else expect(link.phases).not.toContain('ipcp failed negotiation-failed');
    },
  );
});

const POLICIES = ['required', 'preferred', 'permitted', 'disabled'] as const;
/** [server, client] → how the link comes up. */
const EXPECTED: Readonly<Record<string, 'encrypted' | 'clear' | 'refused'>> = {
  'required required': 'encrypted',
  'required preferred': 'encrypted',
  'required permitted': 'encrypted',
  'required disabled': 'refused',
  'preferred required': 'encrypted',
  'preferred preferred': 'encrypted',
  'preferred permitted': 'encrypted',
  'preferred disabled': 'clear',
  'permitted required': 'encrypted',
  'permitted preferred': 'encrypted',
  'permitted permitted': 'clear',
  'permitted disabled': 'clear',
  'disabled required': 'refused',
  'disabled preferred': 'clear',
  'disabled permitted': 'clear',
  'disabled disabled': 'clear',
};

describe('the four policies on either side', () => {
  it.each(POLICIES.flatMap((server) => POLICIES.map((client) => ({ server, client }))))(
    'server $server, client $client',
    ({ server, client }) => {
      const pair = new LinkPair({ server: { encryption: server }, client: { encryption: client } }).open().run(20_000);
      const expected = EXPECTED[`${server} ${client}`];
      if (expected === 'refused') {
        const ends = [pair.server.closed?.reason, pair.client.closed?.reason];
        expect(ends).toContain('encryption-required');
        expect([pair.server.network, pair.client.network]).toEqual([undefined, undefined]);
        return;
      }
      const strength = expected === 'encrypted' ? 128 : undefined;
      for (const end of [pair.server, pair.client]) {
        expect(end.closed).toBeUndefined();
        expect(end.network).toBeDefined();
        expect(end.encryption?.strength).toBe(strength);
      }
    },
  );

  it.each([
    [[128, 56, 40], [40], 40],
    [[56], [128, 56, 40], 56],
    [[128, 40], [56, 40], 40],
    [[128, 56, 40], [128, 56, 40], 128],
  ] as const)('server allows %j, client allows %j: %i bits', (ours, theirs, strength) => {
    const pair = new LinkPair({ server: { mppeStrengths: ours }, client: { mppeStrengths: theirs } }).open().run(2000);
    expect([pair.server.encryption?.strength, pair.client.encryption?.strength]).toEqual([strength, strength]);
  });

  it('ends with both sides named when no strength is common', () => {
    const pair = new LinkPair({ server: { mppeStrengths: [128] }, client: { mppeStrengths: [40] } }).open().run(20_000);
    const details = [pair.server.closed?.detail, pair.client.closed?.detail].join(' | ');
    expect(details).toContain('128-bit');
    expect(details).toContain('40-bit');
  });
});
