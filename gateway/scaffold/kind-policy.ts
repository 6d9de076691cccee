import type { ScaffoldKind } from './kinds.ts';

/** Decides who may come in, and with what. */
export const policyKind: ScaffoldKind = {
  about: 'a session policy: it decides who may come in, and with what',
  env: { BLOCKED: 'mallory' },
  source: (n) => `import {
  type AdmissionRequest,
  definePlugin,
  kinds,
  optionsInForce,
  PLUGIN_API,
  type PolicyAnswer,
  type SessionPolicy,
  TOKENS,
} from 'pptp-gateway/core';

export interface ${n.class}Options {
  readonly blocked: readonly string[];
  readonly sessionSeconds: number;
}

/** Keeps some users out, and ends the sessions of the others after a time. */
export class ${n.class} implements SessionPolicy {
  readonly name = '${n.plugin}';
  private readonly options: ${n.class}Options;

  /** The options may become others while the gateway runs, so they are looked at for each user. */
  constructor(options: ${n.class}Options) {
    this.options = options;
  }

  admit({ identity, profile }: AdmissionRequest): PolicyAnswer {
    const { blocked, sessionSeconds } = this.options;
    if (blocked.includes(identity)) {
      return { admit: false, denial: 'blocked', detail: \`\${identity} is on the list of blocked users.\` };
    }
    // The profile replaces the one of the request: what is not repeated is lost.
    return { admit: true, profile: { sessionSeconds, ...profile } };
  }
}

export default definePlugin<${n.class}Options>({
  name: '${n.plugin}',
  api: PLUGIN_API,
  settings: {
    blocked: { kind: kinds.list(kinds.text()), doc: 'Users who may not come in.', live: true },
    sessionSeconds: {
      kind: kinds.integer(60, 86_400, 'seconds'),
      doc: 'How long a session may be.',
      default: 28_800,
      live: true,
    },
  },
  // \`live\` has what a reload has brought into force; the second argument is how it was at the start.
  register({ bind }, _start, live) {
    bind(TOKENS.SessionPolicy).toConstantValue(new ${n.class}(optionsInForce(live)));
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveSettingsContract, runContract, sessionPolicyContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${n.class} } from '../src/index.js';

runContract(
  sessionPolicyContract('${n.plugin}', async () => ({
    policy: new ${n.class}({ blocked: ['mallory'], sessionSeconds: 3600 }),
  })),
  { describe, it },
);

/** What a new value of each setting that is \`live\` changes, while the gateway runs. */
const isIn = async (gateway: TestGateway) => (await gateway.dial()).address !== undefined;
const lastsTwoMinutes = async (gateway: TestGateway) => {
  const client = await gateway.connect();
  await gateway.clock.advance(120_000);
  return gateway.ping(client);
};

runContract(
  liveSettingsContract('${n.plugin}', async () => ({
    plugin,
    env: { ${n.prefix}BLOCKED: 'mallory' },
    client: { user: 'dora', password: 'explorer' },
    gateway: { users: { alice: { password: 'wonderland' }, dora: { password: 'explorer' } } },
    changes: {
      blocked: { to: 'alice', seen: isIn },
      sessionSeconds: { to: '60', seen: lastsTwoMinutes },
    },
    refused: { ${n.prefix}SESSION_SECONDS: 'long' },
  })),
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
