import { describe, expect, it } from 'vitest';
import type { AuthVerdict } from '../../core/ports/auth.ts';
import { writeChap } from '../../core/wire/chap.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { LinkBench } from '../support/link-bench.ts';
import { PROFILE, serverOptions } from '../support/link-options.ts';
import { LinkPair } from '../support/link-pair.ts';
import { passwordMethod } from '../support/password-method.ts';

const bench = (changes = {}): LinkBench => new LinkBench(serverOptions(changes));

describe('authentication fails', () => {
  it('lets the Failure out, then terminates, and both ends name the reason', () => {
    const pair = new LinkPair({ client: { password: 'wrong' } }).open().run(1000);
    expect(pair.server.closed).toMatchObject({ reason: 'authentication-failed' });
    expect(pair.server.closed?.detail).toContain('wrong user name or password');
    expect(pair.server.phases).toEqual(['lcp begin', 'lcp done', 'auth begin', 'auth failed authentication-failed']);
    expect(pair.server.last('attempt-failed')).toMatchObject({ method: 'test-password', identity: 'alice' });
    const sends = pair.server.all('send');
    const failure = sends.findIndex(({ protocol, bytes }) => protocol === PPP.chap && bytes[0] === 4);
    const terminate = sends.findIndex(({ protocol, bytes }) => protocol === PPP.lcp && bytes[0] === 5);
    expect(failure).toBeGreaterThan(-1);
    expect(terminate).toBeGreaterThan(failure);
    expect(pair.client.closed).toBeDefined();
  });

  it('closes after two unanswered Terminate-Requests', () => {
    const link = bench().toLcpOpened();
    link.frame(PPP.chap, '02 612f62');
    link.input({ kind: 'verdict', verdict: { ok: false, denial: 'locked' } });
    expect(link.closed).toBeUndefined();
    expect(link.wait(5999).filter((sent) => sent.startsWith('c021 05'))).toHaveLength(1);
    expect(link.closed).toBeUndefined();
    link.wait(1);
    expect(link.closed?.detail).toContain('locked');
  });

  it('ends when nobody proves anything in time, however often LCP starts anew', () => {
    const link = bench({ authTimeoutMs: 20_000 }).toLcpOpened();
    for (let i = 2; i < 9; i += 1) {
      link.wait(2000);
      link.frame(PPP.lcp, `01 0${i} 0004`);
      link.acknowledge(PPP.lcp);
    }
    expect(link.phases.filter((phase) => phase === 'auth begin')).toHaveLength(8);
    link.wait(6000);
    expect(link.phases.at(-1)).toBe('auth failed authentication-failed');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'authentication-failed' });
  });

  it('counts the attempts of the whole link: starting LCP anew buys no further ones', () => {
    const link = bench({ authMethods: [msChapV2Method({ maxAttempts: 3 })] });
    link.toLcpOpened();
    for (let i = 2; i < 12 && link.all('attempt-failed').length < 9; i += 1) {
      const challenge = link.all('send').findLast(({ protocol, bytes }) => protocol === PPP.chap && bytes[0] === 1);
      const identifier = challenge?.bytes[1] ?? 0;
      link.frame(PPP.chap, writeChap({ kind: 'response', identifier, value: new Uint8Array(49), name: 'alice' }));
      link.input({ kind: 'verdict', verdict: { ok: false, denial: 'bad-credentials' } });
      link.frame(PPP.lcp, Uint8Array.of(1, i, 0, 4));
      if (link.phases.at(-1) === 'lcp begin') link.acknowledge(PPP.lcp);
    }
    expect(link.all('attempt-failed').map(({ retriesLeft }) => retriesLeft)).toEqual([2, 1, 0]);
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'authentication-failed' });
    expect(link.closed?.detail).toContain('wrong user name or password');
  });

  it('counts anew once the peer has proved itself', () => {
    const link = bench({ authMethods: [msChapV2Method({ maxAttempts: 3 })] }).toLcpOpened();
    const attempt = (verdict: AuthVerdict): void => {
      const last = link.all('send').findLast(({ protocol }) => protocol === PPP.chap)?.bytes;
      const identifier = ((last?.[1] ?? 0) + (last?.[0] === 4 ? 1 : 0)) & 0xff;
      link.frame(PPP.chap, writeChap({ kind: 'response', identifier, value: new Uint8Array(49), name: 'alice' }));
      link.input({ kind: 'verdict', verdict });
    };
    const wrong: AuthVerdict = { ok: false, denial: 'bad-credentials' };
    const key = new Uint8Array(16);
    const grant = { authenticatorResponse: `S=${'0'.repeat(40)}`, keys: { send: key, receive: key } };
    attempt(wrong);
    attempt(wrong);
    attempt({ ok: true, identity: 'alice', profile: {}, grant });
    expect(link.all('authenticated')).toHaveLength(1);
    link.frame(PPP.lcp, '01 05 0004');
    link.acknowledge(PPP.lcp);
    for (let i = 0; i < 4; i += 1) attempt(wrong);
    expect(link.all('attempt-failed').map(({ retriesLeft }) => retriesLeft)).toEqual([2, 1, 2, 1, 0]);
  });

  it('gives no password method without keys a chance while encryption is required', () => {
    const pap = passwordMethod({ name: 'pap', lcpOption: Uint8Array.of(0xc0, 0x23), preference: 1, yieldsKeys: false });
    const link = bench({ authMethods: [passwordMethod(), pap] });
    link.open();
    link.frame(PPP.lcp, '03 01 0008 0304 c023');
    expect(link.phases.at(-1)).toBe('lcp failed encryption-required');
    link.wait(6000);
    expect(link.closed?.detail).toBe(
      'encryption is required and pap yields no keys: we allow test-password; the peer offers pap',
    );
  });
});

describe('the phases keep order', () => {
  it('discards network protocols before authentication, and keeps them while the addresses are awaited', () => {
    const link = bench().toLcpOpened();
    expect(link.frame(PPP.ipcp, '01 01 000a 0306 00000000')).toEqual([]);
    expect(link.ignored).toEqual(['not-authenticated']);
    link.frame(PPP.chap, '02 612f62');
    link.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    expect(link.frame(PPP.ipcp, '01 02 000a 0306 00000000')).toEqual([]);
    expect(link.frame(PPP.ipcp, '01 03 000a 0306 00000000')).toEqual([]);
    link.input({ kind: 'authorize', profile: PROFILE });
    link.frame(PPP.ccp, '01 01 000a 1206 01000040');
    // The last one asked is answered, once.
    expect(link.acknowledge(PPP.ccp)).toEqual(['8021 0101000a03060a4e0101', '8021 0303000a03060a4e010a']);
  });

  it.each([
    ['a Terminate-Request', PPP.ipcp, '05 04 0004'],
    ['a new negotiation of LCP', PPP.lcp, '01 05 0004'],
  ])('forgets what it kept after %s', (_, protocol, bytes) => {
    const link = bench().toAuthenticated();
    link.frame(PPP.ipcp, '01 03 000a 0306 00000000');
    link.frame(protocol, bytes);
    if (protocol === PPP.lcp) {
      link.input({ kind: 'authorize', profile: PROFILE });
      link.acknowledge(PPP.lcp);
      link.frame(PPP.chap, '02 612f62');
      link.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    }
    link.input({ kind: 'authorize', profile: PROFILE });
    link.frame(PPP.ccp, '01 01 000a 1206 01000040');
    expect(link.acknowledge(PPP.ccp)).toEqual(['8021 0101000a03060a4e0101']);
  });

  it('starts IPCP at once when encryption is merely permitted, and CCP when the peer does', () => {
    const link = bench({ encryption: 'permitted' }).toAuthenticated();
    expect(link.input({ kind: 'authorize', profile: PROFILE })).toEqual(['8021 0101000a03060a4e0101']);
    expect(link.frame(PPP.ccp, '01 01 000a 1206 01000040')).toEqual([
      '80fd 0101000a120601000040',
      '80fd 0201000a120601000040',
    ]);
  });

  it('repeats an IPCP request that was turned away as soon as CCP is up', () => {
    const link = bench({ encryption: 'permitted' }).toNetwork();
    link.frame(PPP.ipcp, '06 01 0004');
    link.frame(PPP.ccp, '01 01 000a 1206 01000040');
    expect(link.acknowledge(PPP.ccp)).toEqual(['8021 0101000a03060a4e0101']);
  });

  it('does not wait for ever for CCP when encryption is only preferred', () => {
    const link = bench({ encryption: 'preferred' }).toNetwork();
    expect(link.wait(5999)).toEqual(['80fd 0101000a120601000040']);
    expect(link.wait(1)).toContain('8021 0101000a03060a4e0101');
  });

  it('goes on in the clear when encryption is preferred and the peer does not know CCP', () => {
    const link = bench({ encryption: 'preferred' }).toNetwork();
    expect(link.frame(PPP.lcp, '08 09 0006 80fd')).toEqual(['8021 0101000a03060a4e0101']);
    expect(link.phases.slice(-3)).toEqual(['ccp begin', 'ccp failed not-encrypted', 'ipcp begin']);
  });

  it('rejects IPV6CP with Protocol-Reject and lives on', () => {
    const link = bench().toUp();
    expect(link.frame(PPP.ipv6cp, '01 01 000e 010a 0000000000000001')).toEqual([
      expect.stringMatching(/^c021 08..00148057010100..010a0{15}1$/),
    ]);
    expect(link.closed).toBeUndefined();
  });

  it('limits the rate of its Protocol-Rejects', () => {
    const link = bench().toUp();
    const sent = Array.from({ length: 50 }, () => link.frame(0x4021, '00')).flat();
    expect(sent).toHaveLength(8);
    link.wait(3000);
    expect(link.frame(0x4021, '00')).toHaveLength(1);
  });

  it('cuts the data of a Protocol-Reject to what the peer can take', () => {
    const link = bench().toUp();
    const [sent = ''] = link.frame(0x4021, new Uint8Array(3000));
    expect((sent.length - 'c021 '.length) / 2).toBe(1400);
  });
});

describe('encryption is required', () => {
  it.each([
    ['the peer terminates CCP', '05 02 0004', PPP.ccp],
    ['the peer rejects CCP', '08 02 0006 80fd', PPP.lcp],
    ['the peer rejects MPPE', '04 01 000a 1206 01000040', PPP.ccp],
    ['the peer wants another strength', '03 01 000a 1206 01000020', PPP.ccp],
  ])('ends the link when %s', (_, bytes, protocol) => {
    const link = bench().toNetwork();
    link.frame(protocol, bytes);
    expect(link.phases.at(-1)).toBe('ccp failed encryption-required');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'encryption-required' });
  });

  it('ends the link when the peer closes CCP later, and takes encryption and network back first', () => {
    const link = bench().toUp();
    link.frame(PPP.ccp, '05 02 0004');
    expect(link.all('encryption').at(-1)?.parameters).toBeUndefined();
    expect(link.all('network').at(-1)?.network).toBeUndefined();
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed?.detail).toBe('the peer closed CCP');
  });

  it.each([
    ['on a link that was up', (): LinkBench => bench({ echoIntervalMs: 0 }).toUp()],
    ['from the beginning', (): LinkBench => bench({ echoIntervalMs: 0 }).toNetwork()],
  ])('ends the link when the peer acknowledges CCP for ever and asks for nothing itself, %s', (_, start) => {
    const link = start();
    link.frame(PPP.ccp, '06 02 0004');
    for (let s = 0; s < 60; s += 1) {
      expect(link.closed).toBeUndefined();
      link.acknowledge(PPP.ccp);
      link.wait(1000);
    }
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toEqual({
      kind: 'closed',
      reason: 'encryption-required',
      detail: 'CCP did not come up in time',
    });
  });

  it('stays when CCP was negotiated anew, and IPCP after it', () => {
    const link = bench({ echoIntervalMs: 0 }).toUp();
    link.frame(PPP.ccp, '01 05 000a 1206 01000040');
    link.wait(2000);
    link.acknowledge(PPP.ccp);
    link.frame(PPP.ipcp, '01 06 000a 0306 0a4e010a');
    link.acknowledge(PPP.ipcp);
    link.wait(600_000);
    expect(link.closed).toBeUndefined();
    expect(link.all('encryption').at(-1)?.parameters?.strength).toBe(128);
  });

  it('does not take IPCP for the whole: without CCP the link ends', () => {
    const link = bench({ echoIntervalMs: 0 }).toUp();
    link.frame(PPP.ccp, '06 02 0004');
    link.frame(PPP.ipcp, '01 06 000a 0306 0a4e010a');
    link.acknowledge(PPP.ipcp);
    for (let s = 0; s < 60; s += 1) {
      link.acknowledge(PPP.ccp);
      link.wait(1000);
    }
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'encryption-required' });
  });

  it('says so when authentication gave no keys', () => {
    const link = bench({ authMethods: [passwordMethod({ yieldsKeys: false })] }).toNetwork();
    link.wait(6000);
    expect(link.closed?.reason).toBe('encryption-required');
    expect(link.closed?.detail).toContain('no MPPE keys');
  });

  it('never speaks IPCP before CCP is up', () => {
    const pair = new LinkPair({ client: { encryption: 'disabled' } }).open().run(60_000);
    expect(pair.server.closed?.reason).toBe('encryption-required');
    expect(pair.server.all('send').filter(({ protocol }) => protocol === PPP.ipcp)).toEqual([]);
    expect(pair.server.all('network')).toEqual([]);
  });
});

describe('authentication is over', () => {
  const repeated = '02 612f62';

  it('answers a Response that comes again until the network is up, and then discards it', () => {
    const link = bench().toEncrypted();
    expect(link.frame(PPP.chap, repeated)).toEqual(['c223 03']);
    link.frame(PPP.ipcp, '01 01 000a 0306 0a4e010a');
    link.acknowledge(PPP.ipcp);
    expect(link.frame(PPP.chap, repeated)).toEqual([]);
    expect(link.closed).toBeUndefined();
  });

  it('begins again with LCP on a link that is up', () => {
    const link = bench().toUp();
    const asked = () => link.all('verify').length;
    const before = asked();
    link.frame(PPP.lcp, '01 02 0012 0104 0578 0506 01020304 0702 0802');
    link.acknowledge(PPP.lcp);
    link.frame(PPP.chap, repeated);
    expect(asked()).toBe(before + 1);
  });
});

describe('the peer renegotiates LCP on a link that is up', () => {
  it('starts everything over, authentication and addresses included', () => {
    const link = bench().toUp();
    link.frame(PPP.lcp, '01 05 0004');
    expect(link.all('encryption').at(-1)?.parameters).toBeUndefined();
    expect(link.all('network').at(-1)?.network).toBeUndefined();
    expect(link.frame(PPP.ipcp, '01 09 000a 0306 0a4e010a')).toEqual([]);
    link.acknowledge(PPP.lcp);
    link.frame(PPP.chap, '02 612f62');
    link.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    expect(link.all('authenticated')).toHaveLength(2);
    expect(link.frame(PPP.ccp, '01 01 000a 1206 01000040')).toEqual([]);
    expect(link.input({ kind: 'authorize', profile: PROFILE }).length).toBe(2);
  });

  it('gives the verdict on the old exchange to nobody, and asks the next one only then', () => {
    const link = bench().toLcpOpened();
    link.frame(PPP.chap, '02 612f62');
    link.frame(PPP.lcp, '01 05 0004');
    link.acknowledge(PPP.lcp);
    link.frame(PPP.chap, '02 622f63');
    expect(link.all('verify')).toHaveLength(1);
    link.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    expect(link.all('authenticated')).toEqual([]);
    expect(link.ignored).toContain('stale-verdict');
    expect(link.all('verify').map(({ request }) => request)).toEqual([
      { userName: 'a', password: 'b' },
      { userName: 'b', password: 'c' },
    ]);
    link.input({ kind: 'verdict', verdict: { ok: true, identity: 'b', profile: {}, grant: { granted: true } } });
    expect(link.all('authenticated').map(({ identity }) => identity)).toEqual(['b']);
  });

  it('does not take the addresses of the old session for the new one', () => {
    const link = bench().toAuthenticated();
    link.frame(PPP.lcp, '01 05 0004');
    link.acknowledge(PPP.lcp);
    link.frame(PPP.chap, '02 612f62');
    link.input({ kind: 'verdict', verdict: { ok: true, identity: 'b', profile: {}, grant: { granted: true } } });
    expect(link.input({ kind: 'authorize', profile: PROFILE })).toEqual([]);
    expect(link.ignored).toContain('stale-authorize');
    expect(link.input({ kind: 'authorize', profile: PROFILE })).toHaveLength(1);
  });
});

describe('the end', () => {
  it('is "no-answer" when nothing was ever heard, after ten Configure-Requests', () => {
    const link = bench();
    const sent = [...link.open(), ...link.wait(30_000)];
    expect(sent).toHaveLength(10);
    expect(new Set(sent).size).toBe(1);
    expect(link.closed).toEqual({
      kind: 'closed',
      reason: 'no-answer',
      detail: 'no answer to 10 LCP Configure-Requests',
    });
    expect(link.phases).toEqual(['lcp begin', 'lcp failed no-answer']);
    expect(link.nextTimeout).toBeUndefined();
    expect(link.input({ kind: 'close', reason: 'shutdown', detail: '' })).toEqual([]);
  });

  it('is polite: Terminate-Request, Terminate-Ack, closed', () => {
    const pair = new LinkPair().open().run(500);
    pair.input('server', { kind: 'close', reason: 'shutdown', detail: 'the gateway stops' });
    expect(pair.server.network).toBeUndefined();
    pair.run(50);
    expect(pair.server.closed).toMatchObject({ reason: 'shutdown', detail: 'the gateway stops' });
    expect(pair.client.network).toBeUndefined();
    pair.run(3000);
    expect(pair.client.closed).toMatchObject({
      reason: 'peer-terminated',
      detail: 'the peer terminated the link: shutting down',
    });
  });

  it('is at once when the link was never opened', () => {
    const link = bench();
    link.input({ kind: 'close', reason: 'administrative', detail: 'x' });
    expect(link.closed).toMatchObject({ reason: 'administrative' });
  });

  it('comes when the peer stops answering echoes, with one last Terminate-Request', () => {
    const link = bench({ echoIntervalMs: 1000, echoFailures: 3 }).toUp();
    expect(link.wait(3999).filter((sent) => sent.startsWith('c021 09'))).toHaveLength(3);
    const sent = link.wait(1);
    expect(sent).toEqual([expect.stringMatching(/^c021 05/)]);
    expect(link.closed).toMatchObject({ reason: 'echo-timeout' });
  });

  it('does not come while anything arrives, and then no echo is sent either', () => {
    const link = bench({ echoIntervalMs: 1000, echoFailures: 3 }).toUp();
    for (let i = 0; i < 20; i += 1) {
      expect(link.wait(900)).toEqual([]);
      link.input({ kind: 'alive' });
    }
    expect(link.closed).toBeUndefined();
  });

  it('is "loopback" on a link that returns our own frames', () => {
    const link = bench();
    let queue = link.open();
    for (let i = 0; i < 200 && link.closed === undefined && queue.length > 0; i += 1) {
      const [next = '', ...rest] = queue;
      queue = [...rest, ...link.frame(PPP.lcp, next.slice('c021 '.length))];
    }
    expect(link.closed).toMatchObject({ reason: 'loopback' });
  });

  it('comes when the peer acknowledges for ever and asks for nothing itself', () => {
    const link = bench({ echoIntervalMs: 0 }).toEncrypted();
    for (let s = 0; s < 59; s += 1) {
      link.acknowledge(PPP.ipcp);
      link.wait(1000);
    }
    expect(link.closed).toBeUndefined();
    expect(link.phases.at(-1)).toBe('ipcp begin');
    link.wait(1000);
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({ reason: 'negotiation-failed' });
  });

  it('comes when the peer does not know IPCP', () => {
    const link = bench().toEncrypted();
    link.frame(PPP.lcp, '08 09 0006 8021');
    link.frame(PPP.lcp, '06 01 0004');
    expect(link.closed).toMatchObject({
      reason: 'negotiation-failed',
      detail: 'the peer does not know IPCP (Protocol-Reject)',
    });
  });

  it('comes when the peer closed IPCP and never opened it again', () => {
    const link = bench({ echoIntervalMs: 0 }).toUp();
    link.frame(PPP.ipcp, '05 09 0004');
    expect(link.all('network').at(-1)?.network).toBeUndefined();
    link.wait(59_999);
    expect(link.closed).toBeUndefined();
    link.wait(6001);
    expect(link.closed).toMatchObject({ reason: 'negotiation-failed' });
  });

  it('does not come when the peer closes IPCP and opens it again', () => {
    const link = bench({ echoIntervalMs: 0 }).toUp();
    link.frame(PPP.ipcp, '05 09 0004');
    link.wait(3000);
    link.frame(PPP.ipcp, '01 0a 000a 0306 0a4e010a');
    link.acknowledge(PPP.ipcp);
    expect(link.all('network').at(-1)?.network).toMatchObject({ peerAddress: PROFILE.peerAddress });
    link.wait(120_000);
    expect(link.closed).toBeUndefined();
  });
});
