import type { ScaffoldKind } from './kinds.ts';

/** Takes the accounting records of sessions. */
export const accountingKind: ScaffoldKind = {
  about: 'an accounting sink: it is given a record when a session comes up, from time to time, and at its end',
  env: {},
  source: (n) => `import {
  type AccountingRecord,
  type AccountingSink,
  definePlugin,
  type Log,
  PLUGIN_API,
  type SessionEnding,
  TOKENS,
} from 'pptp-gateway/core';

/**
 * Writes each record to the log. Queue it here and deliver it elsewhere: a sink must return at once. What is in a queue when the
 * gateway ends or is upgraded is lost, unless a Lifecycle delivers it (\`stop\`) and hands it over (\`handOver\`).
 */
export class ${n.class} implements AccountingSink {
  readonly name = '${n.plugin}';
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  start(record: AccountingRecord): void {
    this.write('start', record);
  }

  interim(record: AccountingRecord): void {
    this.write('interim', record);
  }

  stop(record: AccountingRecord, ending: SessionEnding): void {
    this.write('stop', record, ending.reason);
  }

  private write(what: string, { facts, seconds, usage }: AccountingRecord, reason = ''): void {
    const { octetsIn, octetsOut } = usage;
    const fields = { user: facts.identity, session: facts.id, seconds, octetsIn, octetsOut, reason };
    this.log.info(\`${n.plugin}.\${what}\`, 'An accounting record.', fields);
  }
}

export default definePlugin({
  name: '${n.plugin}',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.AccountingSink).toResolvedValue((log) => new ${n.class}(log), [TOKENS.Log]);
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accountingSinkContract, MemoryLog, runContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${n.class} } from '../src/index.js';

runContract(
  accountingSinkContract('${n.plugin}', async () => ({ sink: new ${n.class}(new MemoryLog()) })),
  { describe, it },
);

describe('${n.plugin} in a gateway', () => {
  it('writes down when a session began and what had passed when it ended', async () => {
    const gateway = await TestGateway.start({ plugins: [plugin] });
    const client = await gateway.connect();
    assert.equal(await client.ping(), true);
    await client.hangUp();
    await gateway.stop();
    const lines = gateway.log.lines.filter(({ event }) => event.startsWith('${n.plugin}.'));
    assert.deepEqual(
      lines.map(({ event, fields }) => [event, fields['user'], fields['octetsIn']]),
      [
        ['${n.plugin}.start', 'alice', 0],
        ['${n.plugin}.stop', 'alice', 60],
      ],
    );
  });
});
`,
};
