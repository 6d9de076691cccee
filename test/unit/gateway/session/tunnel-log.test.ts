import { describe, expect, it } from 'vitest';
import type { TunnelRole } from '../../../../core/ports/telemetry.ts';
import { TunnelLog } from '../../../../gateway/session/tunnel-log.ts';
import { openSession } from '../../../support/batches.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const said = (role: TunnelRole): readonly [string, string][] => {
  const log = new MemoryLog();
  const lines = new TunnelLog(log, openSession(), '203.0.113.9:1723', role);
  lines.opened(64, 12.4);
  lines.authenticationFailed({ method: 'ms-chap-v2', identity: 'alice', denial: 'bad-credentials', retriesLeft: 2 });
  expect(log.lines[0]?.fields).toMatchObject({ setupMs: 12, peerWindow: 64 });
  expect(log.lines[1]?.fields).toMatchObject({ user: 'alice', denial: 'bad-credentials', retriesLeft: 2 });
  return log.lines.map(({ event, message }) => [event, message]);
};

describe('the log of a tunnel', () => {
  it('says who called', () => {
    expect(said('server')).toEqual([
      ['call.opened', 'a call from 203.0.113.9:1723'],
      ['auth.failed', 'authentication failed for a call from 203.0.113.9:1723 by ms-chap-v2: bad-credentials'],
    ]);
  });

  it('does not give a server that refuses us for one that guesses passwords', () => {
    expect(said('client')).toEqual([
      ['call.opened', 'a call to 203.0.113.9:1723'],
      ['auth.refused', '203.0.113.9:1723 refuses our authentication by ms-chap-v2: bad-credentials'],
    ]);
  });
});
