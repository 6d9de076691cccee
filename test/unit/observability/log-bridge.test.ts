import { trace } from '@opentelemetry/api';
import { type LogRecord, SeverityNumber } from '@opentelemetry/api-logs';
import { describe, expect, test } from 'vitest';
import { LogBridge } from '../../../observability/log-bridge.ts';
import { createLog } from '../../../observability/logger.ts';
import { createUserNames } from '../../../observability/user-names.ts';

const rig = () => {
  const records: LogRecord[] = [];
  const lines: string[] = [];
  const bridge = new LogBridge();
  const log = createLog({
    level: 'info',
    format: 'pretty',
    userNames: createUserNames('off'),
    sink: { write: (line) => lines.push(line) },
    copy: bridge,
  });
  const open = () => bridge.open({ emit: (record) => records.push(record), enabled: () => true });
  return { records, lines, log, open };
};

const spanOf = ({ context }: LogRecord) => (context === undefined ? undefined : trace.getSpanContext(context));

describe('lines of the log for OpenTelemetry', () => {
  test('have the event, the sentence, the level and the fields', () => {
    const { records, lines, log, open } = rig();
    open();
    log.warn('auth.failed', 'authentication failed', { method: 'pap', retriesLeft: 2 });
    expect(lines[0]).toContain('WARN  auth.failed');
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      eventName: 'auth.failed',
      body: 'authentication failed',
      severityNumber: SeverityNumber.WARN,
      severityText: 'warn',
      attributes: { method: 'pap', retriesLeft: 2 },
      timestamp: expect.any(Date),
    });
  });

  test('are as fit to leave the process as the line: no secret, no user name that must not be seen', () => {
    const { records, log, open } = rig();
    open();
    log.info('x.y', 'z', { password: 'wonderland', user: 'alice' });
    expect(records[0]?.attributes).toEqual({ password: '[secret]' });
  });

  test('belong to the span they name', () => {
    const { records, log, open } = rig();
    open();
    const session = log.child({ trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), session: 's1' });
    session.info('session.up', 'up');
    const [record] = records;
    expect(record && spanOf(record)).toMatchObject({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) });
    expect(record?.attributes).toEqual({ session: 's1' });
  });

  test('keep the id of a trace that nobody exports', () => {
    const { records, log, open } = rig();
    open();
    log.child({ trace_id: 'a'.repeat(32) }).info('session.up', 'up');
    const [record] = records;
    expect(record && spanOf(record)).toBeUndefined();
    expect(record?.attributes).toEqual({ trace_id: 'a'.repeat(32) });
  });

  test('written before the SDK is there go out when it is, as many as are kept', () => {
    const { records, lines, log, open } = rig();
    for (let line = 0; line < 500; line += 1) log.info('early', `line ${line}`);
    expect(lines).toHaveLength(500);
    open();
    expect(records).toHaveLength(200);
    expect(records[0]?.body).toBe('line 0');
    log.info('late', 'line 500');
    expect(records.at(-1)?.body).toBe('line 500');
  });

  test('below the level are not made at all', () => {
    const { records, log, open } = rig();
    open();
    log.debug('x', 'y');
    expect(records).toEqual([]);
  });
});
