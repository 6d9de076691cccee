import { describe, expect, it } from 'vitest';
import { CurrentAccount } from '../../gateway/dial/current-account.ts';
import { Dialler } from '../../gateway/dial/dialler.ts';
import type { DialledPipe } from '../../plugins/control-pptp/index.ts';
import { GatewayLab, type LabLine } from '../support/gateway-lab.ts';
import { seededRandom } from '../support/seeded-random.ts';

const NEW = 'looking-glass';

/** A dialler that keeps a new password ready, as `dial --new-password-file` does. */
const dial = (lab: GatewayLab, newPassword: string | undefined) => {
  const story: string[] = [];
  const lines: LabLine[] = [];
  const account = new CurrentAccount({ userName: 'alice', password: 'wonderland', newPassword }, () =>
    story.push('password changed'),
  );
  const lineOf = (dialled: DialledPipe): LabLine => {
    const line = lines.find((one) => one.dialled === dialled);
    if (line === undefined) throw new Error('no such line');
    return line;
  };
  const dialler = new Dialler(
    {
      clock: lab.clock,
      random: seededRandom(7),
      connect: async () => {
        lines.push(lab.line());
        return lines.at(-1)?.dialled ?? lab.line().dialled;
      },
      createClient: (dialled) => {
        const { userName: user, password, newPassword: next } = account.now;
        const link = next === undefined ? {} : { newPassword: next };
        const { peer } = lab.client({ user, password, link }, lineOf(dialled));
        peer.passwordChanged$.subscribe(() => account.passwordChanged());
        return peer;
      },
      host: { up: async () => undefined, down: async () => undefined },
      report: {
        dialling: () => undefined,
        up: () => story.push('up'),
        failed: ({ code, message }, retryInMs) =>
          story.push(retryInMs === undefined ? `${code}: ${message}` : `${code}, again`),
      },
    },
    {},
  );
  return { dialler, story, lines, account, done: dialler.run() };
};

const stop = async (lab: GatewayLab, { dialler }: ReturnType<typeof dial>): Promise<void> => {
  const stopping = dialler.stop();
  await lab.clock.advance(5_000);
  await stopping;
};

describe('a client whose password has expired', () => {
  const users = () => ({ alice: { password: 'wonderland', expired: true } });

  it('changes it to the new one, says so, and dials with that from then on', async () => {
    const lab = await GatewayLab.start({ users: users() });
    const it = dial(lab, NEW);
    await lab.clock.advance(1_000);
    expect(it.story).toEqual(['password changed', 'up']);
    expect(it.account.now).toEqual({ userName: 'alice', password: NEW });
    it.lines[0]?.pipe.right.end();
    await lab.clock.advance(10_000);
    expect(it.story.slice(2)).toEqual(['DIAL_LOST, again', 'up']);
    await stop(lab, it);
  });

  it('ends without a new one, and says why', async () => {
    const lab = await GatewayLab.start({ users: users() });
    const it = dial(lab, undefined);
    await lab.clock.advance(20_000);
    expect(it.story).toEqual(['DIAL_AUTH: Authentication with server failed: ms-chap-v2: the password has expired.']);
    expect(await it.done).toMatchObject({ code: 'DIAL_AUTH' });
  });

  it('keeps the old one while it is good', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab, NEW);
    await lab.clock.advance(1_000);
    expect(it.story).toEqual(['up']);
    expect(it.account.now).toMatchObject({ password: 'wonderland', newPassword: NEW });
    await stop(lab, it);
  });
});
