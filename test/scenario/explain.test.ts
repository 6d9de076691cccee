import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { writeIpv4Checksum } from '../../core/wire/ipv4.ts';
import { recordDetail } from '../../gateway/admin/record-json.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { sessionParts } from '../../testing/lab/session-parts.ts';
import { address } from '../support/batches.ts';
import { SERVER } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { journalLab } from '../support/journal-lab.ts';

const INTRANET = address('10.0.0.80');

const cases = (findings: readonly { readonly case: string }[]): readonly string[] => findings.map((one) => one.case);

describe('a set-up that fails is explained', () => {
  it('by the firewall that drops GRE on the way in (requirements section 3, row 1)', async () => {
    const { lab, explain, journal } = await journalLab({ env: { PPTP_GRE_SILENCE: '3' } });
    lab.wire.filter = ({ outerDestination }) => outerDestination !== SERVER;
    await lab.dial();
    await lab.clock.advance(1_000);
    expect(journal.find('203.0.113.1')?.outcome).toBe('setup');
    expect(cases(explain('203.0.113.1'))).toEqual(['in-progress']);
    await lab.clock.advance(3_000);
    expect(cases(explain('203.0.113.1'))).toEqual(['gre-not-arriving']);
    await lab.clock.advance(60_000);
    const [main] = explain('last-failure');
    expect(main).toMatchObject({
      case: 'gre-not-arriving',
      severity: 'failure',
      what: expect.stringContaining('203.0.113.1'),
      where: expect.stringMatching(/IP protocol 47 \(GRE\) on the way in/),
    });
    await lab.stop();
  });

  it('by the firewall that drops GRE on the way out', async () => {
    const { lab, explain } = await journalLab();
    lab.wire.filter = ({ outerDestination }) => outerDestination === SERVER;
    await lab.dial();
    await lab.clock.advance(60_000);
    expect(explain('last-failure')[0]).toMatchObject({
      case: 'gre-not-reaching-the-client',
      where: expect.stringContaining('on the way out'),
    });
    await lab.stop();
  });

  it('by the password', async () => {
    const { lab, explain, journal } = await journalLab();
    await lab.dial({ password: 'looking-glass' });
    await lab.clock.advance(60_000);
    expect(explain('alice')[0]).toMatchObject({
      case: 'wrong-password',
      what: expect.stringContaining('"alice"'),
      code: expect.stringContaining('E=691'),
    });
    expect(journal.find('alice')).toMatchObject({ outcome: 'failed', user: 'alice', method: 'ms-chap-v2' });
    const everything = JSON.stringify(journal.failures().map((record) => recordDetail(record, lab.clock)));
    expect(everything).toContain('auth.failed');
    expect(everything).not.toMatch(/looking-glass|wonderland/);
    await lab.stop();
  });

  it('by methods that have nothing in common', async () => {
    const { lab, explain } = await journalLab();
    await lab.dial({ method: papMethod(), link: { encryption: 'disabled' } });
    await lab.clock.advance(60_000);
    expect(explain('last-failure')[0]).toMatchObject({ case: 'no-common-authentication' });
    await lab.stop();
  });

  it('by encryption that the client does not want (row 9)', async () => {
    const { lab, explain } = await journalLab();
    await lab.dial({ link: { encryption: 'disabled' } });
    await lab.clock.advance(120_000);
    expect(explain('last-failure')[0]).toMatchObject({ case: 'encryption-refused' });
    await lab.stop();
  });

  it('by encryption that the client wants and the gateway does not give', async () => {
    const { lab, explain } = await journalLab({ env: { PPTP_MPPE: 'disabled', PPTP_MPPE_STRENGTHS: '' } });
    await lab.dial({ link: { encryption: 'required' } });
    await lab.clock.advance(120_000);
    expect(explain('last-failure')[0]).toMatchObject({ case: 'encryption-demanded' });
    await lab.stop();
  });

  it('by the empty pool', async () => {
    const { lab, explain } = await journalLab({
      env: { PPTP_POOL: '10.99.0.0/30' },
      users: { alice: { password: 'wonderland' }, bob: { password: 'builder' } },
    });
    await lab.connect();
    await lab.dial({ user: 'bob', password: 'builder' });
    await lab.clock.advance(60_000);
    expect(explain('bob')[0]).toMatchObject({ case: 'pool-empty', what: expect.stringContaining('10.99.0.0/30') });
    expect(cases(explain('alice'))).toEqual(['healthy']);
    await lab.stop();
  });

  it('by the limit of calls', async () => {
    const { lab, explain } = await journalLab();
    lab.refuse = { resultCode: 2, errorCode: 4 };
    await lab.dial();
    await lab.clock.advance(120_000);
    expect(explain('last-failure')[0]).toMatchObject({ case: 'call-limit' });
    await lab.stop();
  });

  it('by what is no PPTP at all', async () => {
    const { lab, explain, journal } = await journalLab();
    const { pipe } = lab.line();
    pipe.left.write(asciiBytes('GET / HTTP/1.1\r\nHost: gateway.example\r\n\r\n'.repeat(8)));
    await lab.clock.advance(60_000);
    expect(explain('last-failure')[0]).toMatchObject({ case: 'no-call', code: 'bad-message' });
    expect(journal.failures(false)).toEqual([]);
    await lab.stop();
  });

  it('by the client that hangs up', async () => {
    const { lab, explain } = await journalLab({ faults: { delayMs: 100 } });
    const client = await lab.dial();
    await lab.clock.advance(150);
    client.pipe.left.abort();
    await lab.clock.advance(1_000);
    expect(explain('last-failure')[0]).toMatchObject({
      case: 'peer-hung-up',
      where: expect.stringContaining('203.0.113.1'),
    });
    await lab.stop();
  });
});

describe('a tunnel that is up', () => {
  it('is healthy while nothing is wrong, and its life is remembered', async () => {
    const { lab, explain, journal } = await journalLab();
    const client = await lab.connect();
    expect(cases(explain('alice'))).toEqual(['healthy']);
    const record = journal.find('alice');
    expect(record).toMatchObject({
      outcome: 'up',
      user: 'alice',
      method: 'ms-chap-v2',
      encryption: 'MPPE 128 stateless',
      peer: '203.0.113.1:40000',
      failure: undefined,
    });
    const names = record?.phases.map(({ name }) => name) ?? [];
    expect(names).toEqual(expect.arrayContaining(['control', 'lcp', 'auth', 'ccp', 'ipcp']));
    expect(record?.phases.every(({ endedAt, failure }) => endedAt !== undefined && failure === undefined)).toBe(true);
    const stopping = client.peer.stop();
    await lab.clock.advance(10_000);
    await stopping;
    expect(cases(explain('alice'))).toEqual(['closed-by-the-client']);
    expect(journal.find('alice')).toMatchObject({ outcome: 'closed', numbers: { packetsIn: expect.any(Number) } });
    await lab.stop();
  });

  it('whose client sends with a foreign source is told of', async () => {
    const { lab, explain } = await journalLab();
    const client = await lab.connect();
    for (let count = 0; count < 3; count += 1) {
      client.tun.hostSends(
        ipv4Packet({ source: address('192.168.1.7'), destination: INTRANET, payload: asciiBytes('mine') }),
      );
      await lab.clock.advance(10);
    }
    const [main] = explain('alice');
    expect(main).toMatchObject({
      case: 'spoofed-source',
      severity: 'warning',
      what: expect.stringMatching(/^3 packets/),
    });
    await lab.stop();
  });

  it('into which packets too big go again and again is told of (row 5)', async () => {
    const { lab, explain } = await journalLab();
    const client = await lab.connect();
    const big = ipv4Packet({ source: INTRANET, destination: client.address, payload: new Uint8Array(1_480) });
    big[6] = 0x40;
    writeIpv4Checksum(big, 0);
    lab.tun.hostSends(big);
    await lab.clock.advance(100);
    expect(cases(explain('alice'))).toEqual(['healthy']);
    for (let again = 0; again < 5; again += 1) lab.tun.hostSends(big);
    await lab.clock.advance(100);
    expect(cases(explain('alice'))).toEqual(['mtu-black-hole']);
    await lab.stop();
  });

  it('whose client vanishes is told of', async () => {
    const { lab, explain } = await journalLab({
      env: { PPTP_LCP_ECHO_INTERVAL: '2', PPTP_LCP_ECHO_FAILURES: '3' },
    });
    await lab.connect();
    lab.wire.filter = () => false;
    await lab.clock.advance(30_000);
    expect(explain('alice')[0]).toMatchObject({ case: 'echo-loss', severity: 'failure' });
    await lab.stop();
  });

  it('that a policy does not let in is told of', async () => {
    const policy = {
      name: 'limits',
      admit: () => ({ admit: false, denial: 'too-many', detail: 'one is the most' }) as const,
    };
    const { lab, explain } = await journalLab({ plugins: [sessionParts({ policies: [policy] })] });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(explain('alice')[0]).toMatchObject({ case: 'not-admitted', severity: 'failure', code: 'too-many' });
    expect(cases(explain('alice'))).toEqual(['not-admitted']);
    await lab.stop();
  });

  it('that the gateway ends is told of', async () => {
    const { lab, explain } = await journalLab({ env: { PPTP_IDLE_TIMEOUT: '60' } });
    await lab.connect();
    await lab.clock.advance(90_000);
    expect(cases(explain('alice'))).toEqual(['time-limit']);
    await lab.stop();
  });
});
