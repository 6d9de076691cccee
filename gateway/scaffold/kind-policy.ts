import type { ScaffoldKind } from './kinds.ts';

/** Decides who may come in, and with what. */
export const policyKind: ScaffoldKind = {
  about: 'a session policy: it decides who may come in, and with what',
  env: { BLOCKED: 'mallory' },
  source: (n) => `import {
  type AdmissionRequest,
  definePlugin,
  kinds,
  PLUGIN_API,
  type PolicyAnswer,
  type SessionPolicy,
  TOKENS,
} from 'pptp-gateway/core';

/** Keeps some users out, and ends the sessions of the others after a time. */
export class ${n.class} implements SessionPolicy {
  readonly name = '${n.plugin}';
  private readonly blocked: ReadonlySet<string>;
  private readonly sessionSeconds: number;

  constructor(blocked: readonly string[], sessionSeconds: number) {
    this.blocked = new Set(blocked);
    this.sessionSeconds = sessionSeconds;
  }

  admit({ identity, profile }: AdmissionRequest): PolicyAnswer {
    if (this.blocked.has(identity)) {
      return { admit: false, denial: 'blocked', detail: \`\${identity} is on the list of blocked users.\` };
    }
    // The profile replaces the one of the request: what is not repeated is lost.
    return { admit: true, profile: { sessionSeconds: this.sessionSeconds, ...profile } };
  }
}

export default definePlugin({
  name: '${n.plugin}',
  api: PLUGIN_API,
  settings: {
    blocked: { kind: kinds.list(kinds.text()), doc: 'Users who may not come in.' },
    sessionSeconds: { kind: kinds.integer(60, 86_400, 'seconds'), doc: 'How long a session may be.', default: 28_800 },
  },
  register({ bind }, { blocked, sessionSeconds }) {
    bind(TOKENS.SessionPolicy).toConstantValue(new ${n.class}(blocked, sessionSeconds));
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runContract, sessionPolicyContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${n.class} } from '../src/index.js';

runContract(
  sessionPolicyContract('${n.plugin}', async () => ({ policy: new ${n.class}(['mallory'], 3600) })),
  { describe, it },
);

describe('${n.plugin} in a gateway', () => {
  it('keeps a blocked user out who has the right password', async () => {
    const gateway = await TestGateway.start({
      plugins: [plugin],
      env: { ${n.prefix}BLOCKED: 'mallory' },
      users: { alice: { password: 'wonderland' }, mallory: { password: 'secret' } },
    });
    assert.equal(await (await gateway.connect()).ping(), true);
    const blocked = await gateway.dial({ user: 'mallory', password: 'secret' });
    assert.equal(blocked.address, undefined);
    await gateway.stop();
  });
});
`,
};
