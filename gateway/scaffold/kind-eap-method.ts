import type { ScaffoldKind } from './kinds.ts';

/** A method of EAP, both roles. */
export const eapMethodKind: ScaffoldKind = {
  about: 'a method of EAP: it speaks its type data with the client and has the proof judged',
  env: {},
  gatewayEnv: { PPTP_AUTH_METHODS: 'eap', PPTP_EAP_METHODS: 'NAME', PPTP_MPPE: 'permitted' },
  source: (n) => `import {
  definePlugin,
  type EapContext,
  type EapEffect,
  type EapInput,
  type EapMethod,
  type Machine,
  PLUGIN_API,
  TOKENS,
} from 'pptp-gateway/core';

const PROMPT = new TextEncoder().encode('Password: ');

/** Asks for the password in clear text, as EAP-GTC does, and lets the gateway's back-ends judge it. No keys come of it. */
class Asking implements Machine<EapInput, EapEffect> {
  private readonly identity: string;
  private asked = false;

  constructor({ identity }: EapContext) {
    this.identity = identity;
  }

  handle(input: EapInput): readonly EapEffect[] {
    switch (input.kind) {
      case 'start':
        return [{ kind: 'message', bytes: PROMPT }];
      case 'message':
        // Whatever comes while the question is open is passed over.
        if (this.asked) return [];
        this.asked = true;
        // The octets are borrowed until we return.
        return [
          { kind: 'verify', method: 'pap', request: { userName: this.identity, password: input.bytes.slice() } },
        ];
      case 'verdict': {
        const { verdict } = input;
        if (!verdict.ok) return [{ kind: 'fail', identity: this.identity, denial: verdict.denial }];
        return [{ kind: 'done', identity: verdict.identity, profile: verdict.profile }];
      }
      case 'computed':
        return [];
    }
  }

  nextTimeout(): undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }
}

/** The client's side, for tests and for \`pptp-gateway dial\`. */
class Answering implements Machine<EapInput, EapEffect> {
  private readonly context: EapContext;

  constructor(context: EapContext) {
    this.context = context;
  }

  handle(input: EapInput): readonly EapEffect[] {
    if (input.kind !== 'message') return [];
    const { identity, password = '' } = this.context;
    return [
      { kind: 'message', bytes: new TextEncoder().encode(password) },
      { kind: 'done', identity, profile: {} },
    ];
  }

  nextTimeout(): undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }
}

export const ${n.class}: EapMethod = {
  name: '${n.plugin}',
  // For experiments (RFC 3748 section 5.8); a method that others speak has a number of its own.
  type: 255,
  yieldsKeys: false,
  begin: (context) => (context.role === 'peer' ? new Answering(context) : new Asking(context)),
};

export default definePlugin({
  name: '${n.plugin}',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.EapMethod).toConstantValue(${n.class});
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eapMethodContract, runContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${n.class} } from '../src/index.js';

runContract(
  eapMethodContract('${n.plugin}', () => ({ method: ${n.class} })),
  { describe, it },
);

describe('${n.plugin} in a gateway', () => {
  const env = { PPTP_AUTH_METHODS: 'eap', PPTP_EAP_METHODS: '${n.plugin}', PPTP_MPPE: 'permitted' };

  it('lets a client in that has the right password, and no other', async () => {
    const gateway = await TestGateway.start({ plugins: [plugin], env });
    const dial = { method: 'eap', eap: [${n.class}], encryption: 'none' } as const;
    const client = await gateway.connect(dial);
    assert.equal(await client.ping(), true);
    const liar = await gateway.dial({ ...dial, password: 'wrong' });
    assert.equal(liar.address, undefined);
    await gateway.stop();
  });
});
`,
};
