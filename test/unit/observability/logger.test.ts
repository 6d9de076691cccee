import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createLog, type LoggerOptions } from '../../../observability/logger.ts';
import { createUserNames } from '../../../observability/user-names.ts';

const open = (options: Partial<LoggerOptions> = {}) => {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'json',
    terminal: false,
    sink: { write: (line) => lines.push(line) },
    ...options,
  });
  const entries = (): unknown[] => lines.map((line) => JSON.parse(line));
  return { log, lines, entries };
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe('JSON lines', () => {
  test('carry level, time, event, message and fields, one entry a line', () => {
    const { log, lines, entries } = open();
    log.info('call.up', 'The call is up.', { callId: 7 });
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        event: 'call.up',
        callId: 7,
        msg: 'The call is up.',
      },
    ]);
  });

  test('below the level are not written', () => {
    const { log, entries } = open({ level: 'warn' });
    log.debug('a', 'a');
    log.info('b', 'b');
    log.warn('c', 'c');
    log.error('d', 'd');
    expect(entries()).toMatchObject([{ event: 'c' }, { event: 'd' }]);
  });

  test('of a child carry its fields', () => {
    const { log, entries } = open();
    log.child({ session: 's-1', trace_id: 'abc' }).child({ callId: 2 }).info('lcp.up', 'LCP is open.');
    expect(entries()).toMatchObject([{ session: 's-1', trace_id: 'abc', callId: 2, event: 'lcp.up' }]);
  });

  test('inside an active span carry its ids', () => {
    const span = new BasicTracerProvider().getTracer('test').startSpan('work');
    vi.spyOn(trace, 'getActiveSpan').mockReturnValue(span);
    const { log, entries } = open();
    log.info('a', 'a');
    const { traceId, spanId } = span.spanContext();
    expect(entries()).toMatchObject([{ trace_id: traceId, span_id: spanId }]);
  });
});

describe('the second line of defence', () => {
  test('masks fields whose names are those of secrets, at any depth, in children too', () => {
    const { log, lines } = open();
    const fields = {
      password: 'hunter2',
      ntHash: 'hunter2',
      peerChallenge: 'hunter2',
      nested: { nt_response: 'hunter2', list: [{ 'session-key': 'hunter2' }] },
      keys: { send: 'hunter2' },
    };
    log.child(fields).info('a', 'a', fields);
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('"password":"[secret]"');
  });

  test('never prints octets', () => {
    const { log, entries } = open();
    log.info('a', 'a', { frame: Uint8Array.of(1, 2, 3) });
    expect(entries()).toMatchObject([{ frame: '[3 octets]' }]);
  });

  test('leaves ordinary fields alone', () => {
    const { log, entries } = open();
    log.info('a', 'a', { key: 'listen.port', keyBits: 128, reason: 'no-gre', big: 2n ** 60n });
    expect(entries()).toMatchObject([
      { key: 'listen.port', keyBits: 128, reason: 'no-gre', big: '1152921504606846976' },
    ]);
  });

  test('takes cyclic, deep and huge values', () => {
    const cyclic: Record<string, unknown> = { name: 'x'.repeat(10_000), list: Array.from({ length: 5000 }, () => 1) };
    cyclic['self'] = cyclic;
    const { log, lines } = open();
    log.info('a', 'a', { cyclic });
    expect(lines[0]?.length).toBeLessThan(20_000);
  });

  test('writes errors with type, message, code and stack', () => {
    const { log, entries } = open();
    log.error('a', 'a', { error: Object.assign(new RangeError('too far'), { code: 'E_FAR' }) });
    expect(entries()).toMatchObject([
      { error: { type: 'RangeError', message: 'too far', code: 'E_FAR', stack: expect.stringContaining('too far') } },
    ]);
  });

  test('shows the field `user` as telemetry.userNames says', () => {
    const write = (mode: 'plain' | 'hash' | 'off') => {
      const { log, entries } = open({ userNames: createUserNames(mode, 'key') });
      log.warn('auth.failed', 'The password is wrong.', { user: 'alice' });
      return entries();
    };
    expect(write('plain')).toMatchObject([{ user: 'alice' }]);
    expect(write('hash')).toMatchObject([{ user: expect.stringMatching(/^[0-9a-f]{16}$/) }]);
    expect(write('hash')).toEqual([{ ...Object(write('hash')[0]), time: expect.anything() }]);
    expect(write('off')[0]).not.toHaveProperty('user');
  });
});

describe('lines for people', () => {
  test('on a terminal, or when asked for', () => {
    const text = (format: 'auto' | 'json' | 'pretty', terminal: boolean) => {
      const { log, lines } = open({ format, terminal });
      log.info('call.up', 'The call is up.', { peer: '192.0.2.7', note: 'two words', ids: [1, 2] });
      return lines[0] ?? '';
    };
    expect(text('auto', false)).toMatch(/^\{/);
    expect(text('json', true)).toMatch(/^\{/);
    expect(text('pretty', false)).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}call\.up The call is up\. {2}peer=192\.0\.2\.7 {2}note="two words" {2}ids=\[1,2\]\n$/,
    );
    expect(text('auto', true)).toContain('call.up The call is up.');
  });

  test('escape what a peer may have put in', () => {
    const { log, lines } = open({ format: 'pretty' });
    log.info('a', 'host \u001b[2J\nevil', { name: '\u001b]0;x\u0007\nline', bidi: '\u202eabc' });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.slice(0, -1)).toMatch(/^[^\p{C}]*$/u);
  });
});
