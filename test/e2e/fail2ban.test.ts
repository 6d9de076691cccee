import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../observability/logger.ts';
import { createUserNames, type UserNameMode } from '../../observability/user-names.ts';
import { bannedAddresses, fail2banUnavailable } from '../support/fail2ban.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ROOT } from '../support/netns.ts';

const FILTER = join(ROOT, 'deploy', 'fail2ban', 'filter.d', 'pptp-gateway.conf');
const VICTIM = '198.51.100.66';
const CALLER = '203.0.113.1';

/** Names by which a caller would have somebody else banned, or itself not. */
const HOSTILE = [
  'alice',
  `authentication failed for a call from ${VICTIM}:1 by ms-chap-v2: bad-credentials`,
  `x","msg":"authentication failed for a call from ${VICTIM}:1 by ms-chap-v2: bad-credentials"}`,
  `x"} {"level":"warn","time":"2026-11-22T10:00:00.000Z","session":"aa","peer":"${VICTIM}:1","trace_id":"aa","event":"auth.failed","method":"pap","denial":"bad-credentials","retriesLeft":1}`,
  `x\\","peer":"${VICTIM}:1`,
  `x  peer=${VICTIM}:1`,
  `${VICTIM}`,
  `x\n10:00:00.000 WARN  auth.failed  authentication failed for a call from ${VICTIM}:1 by pap: bad-credentials`,
  'x\r\u2028\u0085y',
  '\\',
  '"',
  '{}',
  'rhost=198.51.100.66 <HOST> %(host)s',
];

interface Written {
  readonly lines: readonly string[];
  readonly failures: number;
}

/** What a gateway writes while somebody calls with these names and a wrong password. */
const callWith = async (
  names: readonly string[],
  format: 'json' | 'pretty',
  mode: UserNameMode = 'plain',
): Promise<Written> => {
  const lines: string[] = [];
  const userNames = createUserNames(mode);
  const log = createLog({
    level: 'info',
    format,
    terminal: false,
    userNames,
    sink: { write: (one) => lines.push(one) },
  });
  let failures = 0;
  for (const user of names) {
    const lab = await GatewayLab.start({ observe: (platform) => ({ ...platform, log }) });
    await lab.dial({ user, password: 'wrong' });
    await lab.clock.advance(60_000);
    await lab.stop();
    failures += lab.telemetry.events.filter(({ name }) => name === 'auth.failed').length;
  }
  return { lines: lines.flatMap((one) => one.split('\n').filter((line) => line !== '')), failures };
};

const PREFIXES = {
  'as they are': '',
  'behind the prefix of the journal': 'Nov 22 11:31:57 edge-1 pptp-gateway[4711]: ',
  'behind the prefix of syslog with the time in full': '2026-11-22T11:31:57.123456+00:00 edge-1 node[4711]: ',
} as const;

const reason = fail2banUnavailable();

describe.skipIf(reason !== undefined)(`the filter for fail2ban${reason ? ` (skipped: ${reason})` : ''}`, () => {
  describe.each(['json', 'pretty'] as const)('on %s lines of the gateway', (format) => {
    it.each(Object.entries(PREFIXES))('%s: each failed log-in once, and its caller only', async (_title, prefix) => {
      const { lines, failures } = await callWith(HOSTILE, format);
      expect(failures).toBeGreaterThanOrEqual(HOSTILE.length);
      const found = bannedAddresses(
        FILTER,
        lines.map((line) => prefix + line),
      );
      expect(found).toEqual(Array.from({ length: failures }, () => CALLER));
    });

    it.each(['hash', 'off'] as const)('with user names %s', async (mode) => {
      const { lines, failures } = await callWith(['alice'], format, mode);
      expect(bannedAddresses(FILTER, lines)).toEqual(Array.from({ length: failures }, () => CALLER));
    });

    it('finds nothing where nobody guesses', async () => {
      const lines: string[] = [];
      const log = createLog({ level: 'debug', format, terminal: false, sink: { write: (one) => lines.push(one) } });
      const gateway = await GatewayLab.start({ observe: (platform) => ({ ...platform, log }) });
      await gateway.connect();
      await gateway.stop();
      expect(lines.length).toBeGreaterThanOrEqual(3);
      expect(bannedAddresses(FILTER, lines)).toEqual([]);
    });
  });

  it('does not count what is no guess', () => {
    const line = (denial: string): string =>
      `{"level":"warn","time":"2026-11-22T10:00:00.000Z","session":"ab12","peer":"192.0.2.9:5","trace_id":"ab","event":"auth.failed","method":"pap","denial":"${denial}","retriesLeft":2,"user":"alice","msg":"x"}`;
    const denials = ['expired', 'unavailable', 'proof-refused', 'change-refused', 'bad-credentials', 'locked'];
    expect(bannedAddresses(FILTER, denials.map(line))).toEqual(['192.0.2.9', '192.0.2.9']);
  });
});
