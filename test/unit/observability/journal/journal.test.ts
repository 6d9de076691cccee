import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Telemetry } from '../../../../core/ports/telemetry.ts';
import { type Instant, instant } from '../../../../core/time.ts';
import { JOURNAL_KEEPS, JOURNAL_KEEPS_PER_PEER, Journal } from '../../../../observability/journal/journal.ts';
import { JournalLog } from '../../../../observability/journal/journal-log.ts';
import { JournalTelemetry } from '../../../../observability/journal/journal-telemetry.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const open = () => {
  let time = 0;
  const now = (): Instant => instant(time);
  const journal = new Journal(now);
  const memory = new MemoryTelemetry();
  const lines = new MemoryLog();
  const telemetry: Telemetry = new JournalTelemetry(memory, journal);
  const log = new JournalLog(lines, journal);
  const pass = (ms: number): void => {
    time += ms;
  };
  /** A tunnel that begins now. */
  const call = (id: string, peer = '192.0.2.1') => {
    const trace = telemetry.tunnel({ 'session.id': id, 'network.peer.address': peer, 'network.peer.port': 5 });
    return { trace, log: log.child({ session: id, peer: `${peer}:5` }) };
  };
  return { journal, memory, lines, telemetry, log, pass, call };
};

describe('the journal', () => {
  it('knows a tunnel from its beginning to its end', () => {
    const { journal, pass, call } = open();
    const { trace, log } = call('aaaa11');
    const lcp = trace.phase('lcp');
    pass(30);
    lcp.end();
    log.info('session.up', 'up', { user: 'alice', address: '10.0.0.2', encryption: 'MPPE 128 stateless' });
    trace.end();
    expect(journal.find('alice')).toMatchObject({ outcome: 'up', upAt: 30, address: '10.0.0.2' });
    pass(1_000);
    log.info('session.closed', 'closed', { reason: 'peer-request', detail: 'bye' });
    expect(journal.find('aaaa11')).toMatchObject({
      outcome: 'closed',
      peer: '192.0.2.1:5',
      startedAt: 0,
      endedAt: 1_030,
      end: { reason: 'peer-request', detail: 'bye' },
      phases: [{ name: 'lcp', startedAt: 0, endedAt: 30, failure: undefined }],
    });
    expect(journal.failures()).toEqual([]);
  });

  it('takes a refused call for a failure, and other connections without a call only when there is nothing else', () => {
    const { journal, telemetry, pass, call } = open();
    const { trace, log } = call('aaaa11');
    trace.end({ error: 'authentication-failed', message: 'wrong' });
    log.info('session.closed', 'closed', { reason: 'authentication-failed', detail: 'wrong' });
    pass(10);
    telemetry.tunnel({ 'network.peer.address': '192.0.2.2' }).end({ error: 'call-refused', message: 'no resource' });
    pass(10);
    telemetry.tunnel({ 'network.peer.address': '192.0.2.3' }).end({ error: 'bad-message', message: 'no PPTP' });
    expect(journal.find('last-failure')).toMatchObject({ peer: '192.0.2.2', failure: { error: 'call-refused' } });
    expect(journal.failures().map(({ peer }) => peer)).toEqual(['192.0.2.3', '192.0.2.2', '192.0.2.1:5']);
  });

  it('knows of connections that were closed on arrival because there were too many', () => {
    const { journal, log } = open();
    const refuse = (peer: string, reason: string): void =>
      log.warn('control.connection-refused', 'Refused a control connection: too many.', { peer, reason, notLogged: 0 });
    refuse('192.0.2.8', 'stopping');
    expect(journal.failures()).toEqual([]);
    refuse('::ffff:192.0.2.9', 'limit-per-source');
    expect(journal.find('last-failure')).toMatchObject({
      kind: 'control',
      outcome: 'failed',
      peer: '192.0.2.9',
      failure: { error: 'connection-refused', message: 'Refused a control connection: too many.' },
    });
    expect(journal.find('')).toBeUndefined();
    expect(journal.liveCount).toBe(0);
  });

  it('keeps the first cause of a failure', () => {
    const { journal, call } = open();
    const { trace, log } = call('aaaa11');
    trace.end({ error: 'no-gre', message: 'nothing came' });
    expect(journal.find('aaaa11')?.outcome).toBe('setup');
    log.info('session.closed', 'closed', { reason: 'peer-disconnect', detail: 'gone' });
    expect(journal.failures()).toMatchObject([{ outcome: 'failed', failure: { error: 'no-gre' } }]);
  });

  it('gives the newest failure of a tunnel before that of a scanner', () => {
    const { journal, telemetry, call, pass } = open();
    const { trace, log } = call('aaaa11');
    trace.end({ error: 'no-gre', message: 'nothing came' });
    log.info('session.closed', 'closed', { reason: 'no-gre', detail: '' });
    pass(10);
    telemetry.tunnel({ 'network.peer.address': '198.51.100.66' }).end({ error: 'bad-message', message: 'no PPTP' });
    expect(journal.find('last-failure')?.id).toBe('aaaa11');
    expect(journal.failures().map(({ kind }) => kind)).toEqual(['control', 'tunnel']);
    expect(journal.find('198.51.100.66')).toMatchObject({ kind: 'control', outcome: 'failed' });
  });

  it('finds by what belongs to a tunnel, one that is there first', () => {
    const { journal, call } = open();
    const first = call('aaaa11', '192.0.2.1');
    first.log.info('session.up', 'up', { user: 'alice', address: '10.0.0.2' });
    const second = call('bbbb22', '192.0.2.2');
    second.log.info('session.up', 'up', { user: 'alice', address: '10.0.0.3' });
    expect(journal.find('alice')?.id).toBe('bbbb22');
    second.log.info('session.closed', 'closed', { reason: 'peer-request', detail: '' });
    expect(journal.find('alice')?.id).toBe('aaaa11');
    for (const which of ['bbbb22', 'bbbb', '10.0.0.3', '192.0.2.2', '192.0.2.2:5', second.trace.traceId]) {
      expect(journal.find(which)?.id).toBe('bbbb22');
    }
    for (const which of ['bbb', '', 'carol', '10.0.0.4']) expect(journal.find(which)).toBeUndefined();
  });

  it('knows who else came from the same address at the same time', () => {
    const { journal, call, pass } = open();
    const early = call('aaaa11');
    early.log.info('session.closed', 'closed', { reason: 'peer-request', detail: '' });
    pass(10);
    call('bbbb22');
    call('cccc33');
    call('dddd44', '192.0.2.9');
    const record = journal.find('bbbb22');
    expect(record === undefined ? [] : journal.besides(record).map(({ id }) => id)).toEqual(['cccc33']);
  });

  it('remembers a packet from the wrong address for those who were there', () => {
    const { journal, telemetry, call, pass } = open();
    const before = call('aaaa11');
    before.log.info('session.closed', 'closed', { reason: 'no-gre', detail: '' });
    pass(10);
    call('bbbb22');
    telemetry.dropped('call-demux', 'in', 'wrong-peer', 1);
    const [old, live] = [journal.find('aaaa11'), journal.find('bbbb22')];
    expect(old !== undefined && journal.sawWrongPeer(old)).toBe(false);
    expect(live !== undefined && journal.sawWrongPeer(live)).toBe(true);
  });
});

describe('what peers can make without end is bounded', () => {
  it('tunnels that are over, and failures on their own', () => {
    const { journal, call } = open();
    const total = JOURNAL_KEEPS.failed + JOURNAL_KEEPS.closed;
    const fails = call('fails1', '192.0.2.250');
    fails.log.info('session.closed', 'closed', { reason: 'no-gre', detail: '' });
    for (let number = 0; number < total; number += 1) {
      const { trace, log } = call(`up-${number}`);
      trace.end();
      log.info('session.closed', 'closed', { reason: 'peer-request', detail: '' });
    }
    expect(journal.find('up-0')).toBeUndefined();
    expect(journal.find(`up-${total - 1}`)).toBeDefined();
    expect(journal.find('last-failure')?.id).toBe('fails1');
    for (let number = 0; number < total; number += 1) {
      const { log } = call(`failed-${number}`, `192.0.2.${number % 8}`);
      log.info('session.closed', 'closed', { reason: 'no-gre', detail: '' });
    }
    expect(journal.failures()).toHaveLength(JOURNAL_KEEPS.failed);
    expect(journal.find('fails1')).toBeUndefined();
    expect(journal.liveCount).toBe(0);
  });

  it('failures of one address, which do not push out those of others', () => {
    const { journal, telemetry, call } = open();
    call('honest').log.info('session.closed', 'closed', { reason: 'no-gre', detail: '' });
    telemetry.tunnel({ 'network.peer.address': '192.0.2.1' }).end({ error: 'bad-message', message: 'odd' });
    for (let number = 0; number < 1_000; number += 1) {
      const { log } = call(`guess-${number}`, '192.0.2.66');
      log.info('session.closed', 'closed', { reason: 'authentication-failed', detail: '' });
      telemetry.tunnel({ 'network.peer.address': '192.0.2.66' }).end({ error: 'bad-message', message: 'scan' });
    }
    const peers = journal.failures().map(({ peer }) => peer?.split(':')[0]);
    expect(peers.filter((peer) => peer === '192.0.2.1')).toHaveLength(2);
    expect(peers.filter((peer) => peer === '192.0.2.66')).toHaveLength(2 * JOURNAL_KEEPS_PER_PEER);
    expect(journal.find('last-failure')?.id).toBe('guess-999');
    expect(journal.find('guess-0')).toBeUndefined();
  });

  it('phases, notes and messages of one tunnel', () => {
    const { journal, call } = open();
    const { trace, log } = call('aaaa11');
    for (let number = 0; number < 1_000; number += 1) {
      const phase = trace.phase('lcp');
      phase.event('lcp.configure-request', { 'network.io.direction': 'receive', 'ppp.packet.identifier': 1 });
      phase.step('auth.round').end();
      phase.end();
      trace.attributes({ [`made.up.${number}`]: 'x'.repeat(1_000) });
      log.debug('lcp.identification', `${number} ${'y'.repeat(1_000)}`);
    }
    const record = journal.find('aaaa11');
    expect(record?.phases).toHaveLength(32);
    expect(record?.notes).toHaveLength(40);
    expect(record?.messages).toHaveLength(40);
    expect(record?.leftOut).toBe(3_000 - 80);
    expect(record?.notes.at(-1)?.message.startsWith('999 ')).toBe(true);
    const kept = [record?.notes, record?.messages, record?.phases].map((part) => JSON.stringify(part));
    expect(kept.join('').length).toBeLessThan(50_000);
  });

  it('what a set-up said is forgotten once the tunnel is up, and kept when it fails', () => {
    const { journal, pass, call } = open();
    const setUp = (id: string) => {
      const tunnel = call(id);
      for (const name of ['control', 'lcp', 'auth', 'ccp', 'ipcp'] as const) {
        const phase = tunnel.trace.phase(name);
        for (let number = 0; number < 4; number += 1) phase.event('lcp.configure-request', { detail: 'z'.repeat(200) });
        phase.step('auth.backend', { 'pptp.backend.name': 'user-file' }).end();
        pass(10);
        phase.end();
      }
      tunnel.log.warn('gre.blocked', 'no GRE for a while');
      return tunnel;
    };
    const { trace, log } = setUp('up');
    setUp('failed').trace.end({ error: 'no-gre', message: 'nothing came' });
    trace.end();
    const up = journal.find('up');
    expect(up?.phases.map(({ name }) => name)).toEqual(['control', 'lcp', 'auth', 'ccp', 'ipcp']);
    expect(up?.notes.map(({ event }) => event)).toEqual(['gre.blocked']);
    expect(up?.messages).toEqual([]);
    expect(up?.leftOut).toBe(20 + 5);
    const failed = journal.find('failed');
    expect([failed?.notes.length, failed?.messages.length, failed?.leftOut]).toEqual([6, 20, 0]);
    const kept = () => JSON.stringify([up, up?.notes, up?.messages, up?.phases]).length;
    expect(kept()).toBeLessThan(1024);
    for (let number = 0; number < 100; number += 1) log.debug('lcp.note', 'w'.repeat(50));
    expect(up?.notes).toHaveLength(8);
    expect(up?.notes.map(({ event }) => event)).toContain('gre.blocked');
  });

  it('and printable', () => {
    const { journal, call } = open();
    const { trace, log } = call('aaaa11');
    trace.attributes({ 'user.name': 'a\u001b[31m\n' });
    log.debug('lcp.identification', 'line\nfeed\u0007');
    expect(journal.find('aaaa11')).toMatchObject({ user: 'a.[31m.' });
    expect(journal.find('aaaa11')?.notes.at(-1)?.message).toBe('line.feed.');
  });
});

describe('everything goes on as if the journal were not there', () => {
  const action = fc.constantFrom('phase', 'event', 'attributes', 'step', 'end', 'fail', 'later', 'root', 'drop', 'log');

  it('whatever is reported, in any order', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const [seen, plain] = [new MemoryTelemetry(), new MemoryTelemetry()];
        const [seenLog, plainLog] = [new MemoryLog(), new MemoryLog()];
        const journal = new Journal(() => instant(7));
        const sides = [
          { telemetry: new JournalTelemetry(seen, journal), log: new JournalLog(seenLog, journal) },
          { telemetry: plain, log: plainLog },
        ];
        for (const { telemetry, log } of sides) {
          const trace = telemetry.tunnel({ 'session.id': 's1' }, instant(3), 'client');
          const child = log.child({ session: 's1' });
          let phase = trace.phase('control');
          for (const one of actions) {
            if (one === 'phase') phase = trace.phase('lcp', { a: 1 }, instant(5));
            else if (one === 'event') phase.event('lcp.echo', { b: 2 }, instant(6));
            else if (one === 'attributes') trace.attributes({ 'user.name': 'alice' });
            else if (one === 'step') phase.step('auth.round', { c: 3 }).end();
            else if (one === 'end') phase.end();
            else if (one === 'fail') trace.end({ error: 'no-gre', message: 'x' });
            else if (one === 'later') trace.later('renegotiation', { d: 4 }).end();
            else if (one === 'root') trace.event('note', { 'pptp.note': 'x' });
            else if (one === 'drop') telemetry.dropped('call-demux', 'in', 'wrong-peer', 2);
            else child.info('session.closed', 'x', { reason: 'idle', detail: 'y' });
          }
          telemetry.packets('gre', 'in', 3, 99);
          telemetry.fault('gre', 'in', 'cause');
          telemetry.event('e', { f: 5 });
          telemetry.measure('pptp.echo.duration', 1, { protocol: 'lcp' });
        }
        expect(seen).toEqual(plain);
        expect(seenLog.lines).toEqual(plainLog.lines);
      }),
    );
  });
});
