import type { ScaffoldKind } from './kinds.ts';

/** Is told of sessions. */
export const listenerKind: ScaffoldKind = {
  about: 'a listener: it is told when a session comes up, changes and goes down',
  env: {},
  source: (n) => `import {
  definePlugin,
  formatIpv4,
  type Log,
  PLUGIN_API,
  type SessionEnding,
  type SessionFacts,
  type SessionListener,
  type SessionUsage,
  TOKENS,
} from 'pptp-gateway/core';

/** Writes to the log who comes and goes. A listener must return at once and keeps no session up. */
export class ${n.class} implements SessionListener {
  readonly name = '${n.plugin}';
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  up({ identity, address }: SessionFacts): void {
    const inner = address === undefined ? 'none' : formatIpv4(address);
    this.log.info('${n.plugin}.up', 'A user has come.', { user: identity, address: inner });
  }

  /** In place of \`up\` in a process that goes on with the session in an upgrade; without it there is no upgrade. */
  restored(): void {
    // The process before has written it down.
  }

  down({ identity }: SessionFacts, { reason }: SessionEnding, { octetsIn, octetsOut }: SessionUsage): void {
    this.log.info('${n.plugin}.down', 'A user has gone.', { user: identity, reason, octetsIn, octetsOut });
  }
}

export default definePlugin({
  name: '${n.plugin}',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.SessionListener).toResolvedValue((log) => new ${n.class}(log), [TOKENS.Log]);
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryLog, runContract, sessionListenerContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${n.class} } from '../src/index.js';

runContract(
  sessionListenerContract('${n.plugin}', async () => ({ listener: new ${n.class}(new MemoryLog()) })),
  { describe, it },
);

describe('${n.plugin} in a gateway', () => {
  it('is told of a session that comes and goes', async () => {
    const gateway = await TestGateway.start({ plugins: [plugin] });
    const client = await gateway.connect();
    await client.hangUp();
    await gateway.stop();
    const events = gateway.log.lines.map(({ event }) => event).filter((event) => event.startsWith('${n.plugin}.'));
    assert.deepEqual(events, ['${n.plugin}.up', '${n.plugin}.down']);
  });
});
`,
};
