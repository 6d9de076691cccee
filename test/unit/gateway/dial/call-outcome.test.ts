import { describe, expect, it } from 'vitest';
import { type CallRecord, explainEnd } from '../../../../gateway/dial/call-outcome.ts';
import type { ClientEvent } from '../../../../gateway/dial/pptp-client.ts';

const CLOSED: ClientEvent = { kind: 'call-closed', reason: 'control-lost', detail: 'The peer closed the connection.' };
const ENDED: ClientEvent = { kind: 'ended', established: true, detail: 'Stopped by us.' };

const explain = (given: Partial<CallRecord>): string => {
  const { code, message } = explainEnd({
    events: [CLOSED, ENDED],
    failing: undefined,
    heard: true,
    wasUp: false,
    server: '192.0.2.1:1723',
    ...given,
  });
  return `${code}: ${message}`;
};

describe('why a call is over', () => {
  it('the first cause is told, not the end of the connection that followed', () => {
    expect(
      explain({
        events: [
          { kind: 'link-closed', reason: 'authentication-failed', detail: 'ms-chap-v2: wrong user name or password' },
          CLOSED,
        ],
      }),
    ).toBe('DIAL_AUTH: Authentication with 192.0.2.1:1723 failed: ms-chap-v2: wrong user name or password.');
    expect(explain({ failing: { reason: 'authentication-failed', detail: 'pap: refused' } })).toContain('DIAL_AUTH');
    expect(
      explain({ failing: { reason: 'peer-terminated', detail: 'the peer terminated the link: MPPE required' } }),
    ).toBe(
      'DIAL_LOST: No tunnel to 192.0.2.1:1723 could be made (peer-terminated): the peer terminated the link: MPPE required.',
    );
  });

  it('a server that cannot judge anybody is no matter of a password, whatever was said after it', () => {
    for (const after of ['', '; the peer terminated the link']) {
      const failing = { reason: 'authentication-failed', detail: `pap: the user store cannot be asked${after}` };
      expect(explain({ failing })).toMatch(/^DIAL_UNAVAILABLE: The server 192\.0\.2\.1:1723 cannot check users/);
    }
  });

  it('a tunnel that was up has ended; one that never was could not be made', () => {
    const failing = { reason: 'echo-timeout', detail: 'no answer to 4 echoes' };
    expect(explain({ failing, wasUp: true })).toMatch(/^DIAL_LOST: The tunnel to \S+ ended \(echo-timeout\)/);
    expect(explain({ failing })).toMatch(/^DIAL_LOST: No tunnel to \S+ could be made/);
  });

  it('a call without any frame is a matter of GRE', () => {
    expect(explain({ heard: false })).toContain('DIAL_NO_GRE: The call to 192.0.2.1:1723 was up, but no GRE packet');
  });

  it('refusals of the call and of the connection name the result', () => {
    const detail = 'Outgoing-Call-Reply: busy';
    expect(explain({ events: [{ kind: 'call-failed', result: 'busy', detail }, ENDED] })).toBe(
      `DIAL_REFUSED: The server 192.0.2.1:1723 did not take the call: ${detail}.`,
    );
    const refused = 'Start-Control-Connection-Reply: not-authorized';
    expect(explain({ events: [{ kind: 'ended', established: false, detail: refused }] })).toBe(
      `DIAL_REFUSED: No control connection with 192.0.2.1:1723: ${refused}.`,
    );
    expect(explain({ events: [{ kind: 'ended', established: false, detail: 'No reply.' }] })).toBe(
      'DIAL_FAILED: No control connection with 192.0.2.1:1723: No reply.',
    );
  });

  it('otherwise the end of the call says it', () => {
    expect(explain({ wasUp: true })).toBe(
      'DIAL_LOST: The tunnel to 192.0.2.1:1723 ended: The peer closed the connection.',
    );
  });
});
