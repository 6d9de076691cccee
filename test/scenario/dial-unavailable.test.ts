import { expect, it } from 'vitest';
import type { AuthMethod } from '../../core/ports/auth.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { Dialler } from '../../gateway/dial/dialler.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { eapMethod, eapMsChapV2, eapPlugin } from '../../plugins/auth-eap/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { GatewayLab, type LabLine } from '../support/gateway-lab.ts';
import { seededRandom } from '../support/seeded-random.ts';

const brokenUsers = (): { works: boolean; readonly plugin: ReturnType<typeof withOptions> } => {
  const state = { works: false };
  const plugin = definePlugin({
    name: 'acme',
    api: PLUGIN_API,
    register: ({ bind }) =>
      void bind(TOKENS.Authenticator).toConstantValue({
        name: 'acme-users',
        supports: () => true,
        verify: () =>
          state.works
            ? Promise.resolve({ ok: false, denial: 'unknown-user' })
            : Promise.reject(new Error('no connection')),
      }),
  });
  return Object.assign(state, { plugin: withOptions(plugin, undefined) });
};

it.each<readonly [AuthMethod]>([
  [msChapV2Method()],
  [msChapV1Method()],
  [chapMd5Method()],
  [papMethod()],
  [eapMethod([eapMsChapV2()])],
])(
  '$name: a server that cannot judge anybody is dialled again, and nobody is told of a wrong password',
  async (method) => {
    const users = brokenUsers();
    const env = {
      PPTP_AUTH_METHODS: 'eap,ms-chap-v2,ms-chap-v1,chap-md5,pap',
      PPTP_MPPE: 'permitted',
    };
    const lab = await GatewayLab.start({
      env,
      plugins: [users.plugin, withOptions(eapPlugin, { methods: ['ms-chap-v2'], maxAttempts: 3 })],
    });
    const lines: LabLine[] = [];
    const story: string[] = [];
    const dialler = new Dialler(
      {
        clock: lab.clock,
        random: seededRandom(7),
        connect: async () => {
          const line = lab.line();
          lines.push(line);
          return line.dialled;
        },
        createClient: (dialled) => {
          const line = lines.find((one) => one.dialled === dialled);
          if (line === undefined) throw new Error('no such line');
          return lab.client({ method, link: { encryption: 'disabled' } }, line).peer;
        },
        host: { up: async () => undefined, down: async () => undefined },
        report: {
          dialling: () => undefined,
          up: () => story.push('up'),
          failed: ({ code, message }, retryInMs) => {
            story.push(`${code}${retryInMs === undefined ? ', over' : ''}`);
            expect(message).toContain('cannot check users at the moment');
          },
        },
      },
      {},
    );
    const done = dialler.run();
    await lab.clock.advance(10_000);
    expect(story.length).toBeGreaterThan(1);
    expect(new Set(story)).toEqual(new Set(['DIAL_UNAVAILABLE']));
    users.works = true;
    await lab.clock.advance(30_000);
    expect(story.at(-1)).toBe('up');
    const stopped = dialler.stop();
    await lab.clock.advance(5_000);
    await stopped;
    expect(await done).toBeUndefined();
    await lab.stop();
  },
);
