import type { ScaffoldKind } from './kinds.ts';

/** A back-end with users of its own. */
export const authenticatorKind: ScaffoldKind = {
  about: 'a back-end: it knows users and judges their proofs',
  env: { USERS: 'dora:explorer' },
  source: (n) => `import {
  type Authenticator,
  type AuthKind,
  type AuthKinds,
  type BackEndAnswer,
  type CancelSignal,
  definePlugin,
  judgeProof,
  judgesProof,
  kinds,
  ntPasswordHash,
  PLUGIN_API,
  TOKENS,
  userOf,
} from 'pptp-gateway/core';

/** Knows users by name and password. Ask your own directory in \`passwordOf\`. */
export class ${n.class} implements Authenticator {
  readonly name = '${n.plugin}';
  private readonly passwords: ReadonlyMap<string, string>;

  /** Each user as NAME:PASSWORD. */
  constructor(users: readonly string[]) {
    this.passwords = new Map(
      users.map((user) => [user.slice(0, user.indexOf(':')), user.slice(user.indexOf(':') + 1)]),
    );
  }

  supports(kind: AuthKind): boolean {
    return judgesProof(kind);
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
  ): Promise<BackEndAnswer<K>> {
    // Without a domain in front, and as text: clients send octets.
    const identity = userOf(request.userName);
    const password = await this.passwordOf(identity, signal);
    // Another back-end may know this user: the next one is asked.
    if (password === undefined) return { ok: false, denial: 'unknown-user' };
    const grant = judgeProof(kind, request, { password, ntHash: ntPasswordHash(password) });
    if (grant === undefined) return { ok: false, denial: 'bad-credentials' };
    return { ok: true, identity, profile: {}, grant };
  }

  /** \`signal\` fires when nobody waits for the answer any more: hand it to \`fetch\` and the like. */
  private async passwordOf(userName: string, signal: CancelSignal): Promise<string | undefined> {
    if (signal.aborted) throw new Error('nobody waits for the answer');
    return this.passwords.get(userName);
  }
}

export default definePlugin({
  name: '${n.plugin}',
  api: PLUGIN_API,
  settings: {
    users: { kind: kinds.list(kinds.text(), 64, 1), doc: 'Users as NAME:PASSWORD.', secret: true },
  },
  check: ({ users }) => users.filter((user) => !user.includes(':')).map(() => 'a user must be NAME:PASSWORD'),
  register({ bind }, { users }) {
    bind(TOKENS.Authenticator).toConstantValue(new ${n.class}(users));
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authenticatorContract, runContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${n.class} } from '../src/index.js';

const dora = { userName: 'dora', password: 'explorer' };

runContract(
  authenticatorContract('${n.plugin}', async () => ({
    authenticator: new ${n.class}(['dora:explorer']),
    users: [dora],
  })),
  { describe, it },
);

describe('${n.plugin} in a gateway', () => {
  it('lets its user in, and nobody else who says so', async () => {
    const gateway = await TestGateway.start({ plugins: [plugin], env: { ${n.prefix}USERS: 'dora:explorer' } });
    const client = await gateway.connect({ user: 'dora', password: 'explorer' });
    assert.equal(client.encryption, 'MPPE 128 stateless');
    assert.equal(await client.ping(), true);
    const liar = await gateway.dial({ user: 'dora', password: 'wrong' });
    assert.equal(liar.address, undefined);
    await gateway.stop();
  });
});
`,
};
