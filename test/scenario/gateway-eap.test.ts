import { describe, expect, it } from 'vitest';
import type { Machine } from '../../core/machine/machine.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { EapContext, EapEffect, EapInput, EapMethod } from '../../core/ports/eap.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { eapMethod, eapMsChapV2, eapPlugin } from '../../plugins/auth-eap/index.ts';
import { GatewayLab } from '../support/gateway-lab.ts';

type Work = (signal: CancelSignal) => Promise<unknown>;

const ONE = new Uint8Array(16).fill(1);
const TWO = new Uint8Array(16).fill(2);

/** A method as somebody else may write it: one word each way, and the authenticator thinks about it. */
class Word implements Machine<EapInput, EapEffect> {
  readonly #context: EapContext;
  readonly #work: Work;

  constructor(context: EapContext, work: Work) {
    this.#context = context;
    this.#work = work;
  }

  handle(input: EapInput): readonly EapEffect[] {
    const { role, identity } = this.#context;
    const message = { kind: 'message', bytes: Uint8Array.of(7) } as const;
    if (role === 'peer') {
      const keys = { send: ONE, receive: TWO };
      return input.kind === 'message' ? [message, { kind: 'done', identity, profile: {}, keys }] : [];
    }
    if (input.kind === 'start') return [message];
    if (input.kind === 'message') return [{ kind: 'compute', task: this.#work }];
    if (input.kind !== 'computed') return [];
    return input.result.ok && input.result.value === 'right'
      ? [{ kind: 'done', identity, profile: {}, keys: { send: TWO, receive: ONE } }]
      : [{ kind: 'fail', identity, denial: 'unavailable' }];
  }

  nextTimeout(): undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }
}

const word = (work: Work): EapMethod => ({
  name: 'word',
  type: 99,
  yieldsKeys: true,
  begin: (context) => new Word(context, work),
});

const plugins = (work: Work, methods: readonly string[] = ['word']): readonly LoadedPlugin[] => [
  withOptions(eapPlugin, { methods, maxAttempts: 3 }),
  withOptions(
    definePlugin({
      name: 'word',
      api: PLUGIN_API,
      requires: ['auth-eap'],
      register: ({ bind }) => {
        bind(TOKENS.EapMethod).toConstantValue(word(work));
      },
    }),
    undefined,
  ),
];
const env = { PPTP_AUTH_METHODS: 'eap' };
const client = { method: eapMethod([word(async () => undefined)]), user: 'alice' };

describe('EAP in the gateway', () => {
  it('a plug-in adds a method, whose work is done outside of the machines', async () => {
    const lab = await GatewayLab.start({ env, plugins: plugins(async () => 'right') });
    await lab.connect(client);
    expect(lab.log.lines.find(({ event }) => event === 'session.up')?.fields).toMatchObject({ user: 'alice' });
    await lab.stop();
  });

  it('EAP-MS-CHAPv2 asks the same back-end as MS-CHAPv2', async () => {
    const lab = await GatewayLab.start({ env, plugins: plugins(async () => 'right', ['ms-chap-v2']) });
    await lab.connect({ method: eapMethod([eapMsChapV2()]) });
    await lab.stop();
  });

  it('work that fails costs the call, and the log says so', async () => {
    const work = () => Promise.reject(Object.assign(new RangeError('alice: out of words'), { code: 'ERR_WORDS' }));
    const lab = await GatewayLab.start({ env, plugins: plugins(work) });
    await lab.dial(client);
    await lab.clock.advance(30_000);
    expect(lab.log.lines.find(({ event }) => event === 'auth.task-failed')?.fields).toMatchObject({
      type: 'RangeError',
      code: 'ERR_WORDS',
    });
    expect(JSON.stringify(lab.log.lines.filter(({ level }) => level !== 'debug'))).not.toContain('out of words');
    expect(lab.log.lines.find(({ event }) => event === 'session.closed')?.fields).toMatchObject({
      reason: 'authentication-failed',
    });
    await lab.stop();
  });

  it('a call that ends while work is being done tells the work, and its result goes nowhere', async () => {
    let finish: (value: unknown) => void = () => undefined;
    let signal: CancelSignal | undefined;
    const work: Work = (given) => {
      signal = given;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const lab = await GatewayLab.start({ env, plugins: plugins(work) });
    const { pipe } = await lab.dial(client);
    await lab.clock.advance(1_000);
    expect(signal?.aborted).toBe(false);
    pipe.left.abort();
    await lab.clock.advance(1_000);
    expect(signal?.aborted).toBe(true);
    finish('right');
    await lab.clock.advance(1_000);
    expect(lab.gateway.sessions()).toBe(0);
    expect(lab.log.lines.map(({ event }) => event)).not.toContain('session.fault');
    await lab.stop();
  });

  it('a method nobody brought is named at the start', () => {
    expect(() => new GatewayLab({ env, plugins: plugins(async () => 'right', ['peap']) })).toThrow(
      'PPTP_EAP_METHODS names peap; known are: md5, ms-chap-v2, word',
    );
  });
});
