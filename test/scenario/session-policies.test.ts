import { describe, expect, it } from 'vitest';
import type { EapRelay } from '../../core/ports/eap-relay.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { AdmissionRequest, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import { TOKENS } from '../../core/tokens.ts';
import { EAP_TYPE, writeEap } from '../../core/wire/eap.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { eapMethod, eapMsChapV2, eapPlugin } from '../../plugins/auth-eap/index.ts';
import { sessionParts } from '../../testing/lab/session-parts.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { controlMessages } from '../support/gre-packets.ts';

const cdn = (client: LabPeer) =>
  controlMessages(client.pipe.writtenBy('right')).find(({ kind }) => kind === 'call-disconnect-notify');
const line = (lab: GatewayLab, event: string) => lab.log.lines.find((one) => one.event === event)?.fields;

/** Answers when the test says so. */
class SlowPolicy implements SessionPolicy {
  readonly name = 'slow';
  readonly asked: AdmissionRequest[] = [];
  aborted = 0;
  private readonly answers: ((answer: PolicyAnswer | Error) => void)[] = [];

  admit(request: AdmissionRequest, signal: Parameters<NonNullable<SessionPolicy['admit']>>[1]): Promise<PolicyAnswer> {
    this.asked.push(request);
    signal.addEventListener('abort', () => {
      this.aborted += 1;
    });
    return new Promise((resolve, reject) => {
      this.answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  }

  answer(answer: PolicyAnswer | Error): void {
    this.answers.shift()?.(answer);
  }
}

describe('a policy that refuses a session', () => {
  const full: SessionPolicy = {
    name: 'one-at-a-time',
    admit: () => ({ admit: false, denial: 'too-many-sessions', detail: 'alice has 1 session, and 1 is the most' }),
  };

  it('ends it with a line, an event, words on the trace, and Admin Shutdown; no address is taken', async () => {
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [full] })] });
    const client = await lab.dial();
    await lab.clock.advance(10_000);
    expect(line(lab, 'session.refused')).toMatchObject({
      user: 'alice',
      policy: 'one-at-a-time',
      denial: 'too-many-sessions',
    });
    expect(lab.telemetry.events).toContainEqual({
      name: 'session.refused',
      attributes: { policy: 'one-at-a-time', denial: 'too-many-sessions' },
    });
    expect(cdn(client)).toMatchObject({ resultCode: 3 });
    expect(line(lab, 'session.closed')).toMatchObject({
      reason: 'administrative',
      detail: 'alice has 1 session, and 1 is the most',
      setupFailure: 'not-admitted',
    });
    expect(lab.gateway.numbers().pools).toMatchObject([{ used: 0 }]);
    expect(lab.gateway.sessions()).toBe(0);
  });

  it('is the last that is asked', async () => {
    const asked: string[] = [];
    const policy = (name: string, answer: PolicyAnswer): SessionPolicy => ({
      name,
      admit: ({ profile }) => {
        asked.push(`${name} ${profile.sessionSeconds ?? '-'}`);
        return answer;
      },
    });
    const policies = [
      policy('first', { admit: true, profile: { sessionSeconds: 60 } }),
      policy('second', { admit: true }),
      policy('third', { admit: false, denial: 'no', detail: 'not now' }),
      policy('fourth', { admit: true }),
    ];
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies })] });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(asked).toEqual(['first -', 'second 60', 'third 60']);
    expect(line(lab, 'session.refused')).toMatchObject({ policy: 'third', denial: 'no' });
  });
});

describe('what a policy leaves of the profile', () => {
  it('holds for the session', async () => {
    const policies: SessionPolicy[] = [
      { name: 'short', admit: () => ({ admit: true, profile: { sessionSeconds: 60 } }) },
    ];
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies })] });
    await lab.connect();
    await lab.clock.advance(70_000);
    expect(line(lab, 'session.closed')).toMatchObject({
      reason: 'session-timeout',
      detail: 'the session has lasted 60 s',
    });
  });

  it('is refused where the gateway cannot do it, by name', async () => {
    const policies: SessionPolicy[] = [
      { name: 'slow-lane', admit: () => ({ admit: true, profile: { filter: 'nothing' } }) },
    ];
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies })] });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(line(lab, 'session.refused')).toMatchObject({ policy: 'gateway', denial: 'unsupported' });
    expect(line(lab, 'session.closed')).toMatchObject({ detail: expect.stringContaining('PPTP_FILTERS_FILE') });
  });
});

describe('a policy that takes its time', () => {
  it('holds the session back until it has answered', async () => {
    const slow = new SlowPolicy();
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [slow] })] });
    const client = await lab.dial();
    await lab.clock.advance(5_000);
    expect(slow.asked).toMatchObject([{ identity: 'alice', method: 'ms-chap-v2', peerName: '203.0.113.1:40000' }]);
    expect(client.peer.network).toBeUndefined();
    slow.answer({ admit: true });
    await lab.clock.advance(3_000);
    expect(client.peer.network).toBeDefined();
  });

  it('and does not answer in PPTP_PLUGIN_TIMEOUT refuses', async () => {
    const slow = new SlowPolicy();
    const env = { PPTP_PLUGIN_TIMEOUT: '5' };
    const lab = await GatewayLab.start({ env, plugins: [sessionParts({ policies: [slow] })] });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(line(lab, 'session.refused')).toMatchObject({ policy: 'slow', denial: 'unavailable' });
    expect(slow.aborted).toBe(1);
  });

  it('or fails refuses', async () => {
    const slow = new SlowPolicy();
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [slow] })] });
    await lab.dial();
    await lab.clock.advance(2_000);
    slow.answer(new Error('the directory is gone'));
    await lab.clock.advance(2_000);
    expect(line(lab, 'session.refused')).toMatchObject({ policy: 'slow', denial: 'unavailable' });
  });

  it('is told when nobody waits any more, and its answer then reaches nobody', async () => {
    const slow = new SlowPolicy();
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [slow] })] });
    const client = await lab.dial();
    await lab.clock.advance(2_000);
    client.pipe.left.abort();
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(0);
    expect(slow.aborted).toBe(1);
    slow.answer({ admit: true });
    await lab.clock.advance(2_000);
    expect(lab.gateway.numbers().pools).toMatchObject([{ used: 0 }]);
  });
});

describe('attempts to log in', () => {
  const watch = (mayTry: boolean) => {
    const seen: string[] = [];
    const policy: SessionPolicy = {
      name: 'watch',
      mayTry: ({ userName }) => {
        seen.push(`may ${userName}`);
        return mayTry;
      },
      tried: ({ userName }, denial) => void seen.push(`tried ${userName} ${denial ?? 'ok'}`),
    };
    return { seen, policy };
  };

  it('are told of, right and wrong', async () => {
    const { seen, policy } = watch(true);
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [policy] })] });
    await lab.connect();
    await lab.dial({ password: 'wrong' });
    await lab.clock.advance(10_000);
    expect(seen).toEqual(['may alice', 'tried alice ok', 'may alice', 'tried alice bad-credentials']);
  });

  it('that may not be made are answered at once, without asking a back-end, and are none', async () => {
    const { seen, policy } = watch(false);
    const lab = await GatewayLab.start({ plugins: [sessionParts({ policies: [policy] })] });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(seen).toEqual(['may alice']);
    expect(line(lab, 'auth.failed')).toMatchObject({ user: 'alice', denial: 'locked' });
  });

  it.each([
    ['the right password', 'locked'],
    ['a guess', 'bad-credentials'],
  ])('that end while somebody is locked say nothing of %s', async (password, told) => {
    const { seen, policy } = watch(true);
    const lab = await GatewayLab.start({
      plugins: [sessionParts({ policies: [{ ...policy, mayPass: () => seen.push('passes') < 0 }] })],
    });
    await lab.dial(password === 'a guess' ? { password } : {});
    await lab.clock.advance(10_000);
    expect(seen).toEqual(['may alice', 'passes', `tried alice ${told}`]);
    expect(lab.gateway.sessions()).toBe(0);
    expect(line(lab, 'auth.failed')).toMatchObject({ user: 'alice', denial: 'locked' });
  });

  /** A gateway whose users a server elsewhere judges. */
  const judgedElsewhere = (relay: EapRelay, policy: SessionPolicy): Promise<GatewayLab> => {
    const relays = definePlugin({
      name: 'elsewhere',
      api: PLUGIN_API,
      register: ({ bind }) => void bind(TOKENS.EapRelay).toConstantValue(relay),
    });
    const plugins = [
      sessionParts({ policies: [policy] }),
      withOptions(eapPlugin, { methods: [], maxAttempts: 3 }),
      withOptions(relays, undefined),
    ];
    return GatewayLab.start({ env: { PPTP_AUTH_METHODS: 'eap' }, plugins });
  };

  it('that a server elsewhere judges are told of as well, and kept from it', async () => {
    const asked: string[] = [];
    const relay: EapRelay = {
      name: 'elsewhere',
      ask: async ({ identity }) => {
        asked.push(identity);
        return { kind: 'reject', denial: 'bad-credentials' };
      },
    };
    const run = async (mayTry: boolean): Promise<readonly string[]> => {
      const { seen, policy } = watch(mayTry);
      const lab = await judgedElsewhere(relay, policy);
      await lab.dial({ method: eapMethod([eapMsChapV2()]) });
      await lab.clock.advance(10_000);
      return seen;
    };
    expect(await run(true)).toEqual(['may alice', 'tried alice bad-credentials']);
    expect(await run(false)).toEqual(['may alice']);
    expect(asked).toEqual(['alice']);
  });

  it('that the peer leaves before the server elsewhere has judged them are wrong ones: it may know from within', async () => {
    const run = async (rounds: number): Promise<readonly string[]> => {
      let asked = 0;
      let isGone = false;
      const relay: EapRelay = {
        name: 'elsewhere',
        ask: async () => {
          asked += 1;
          isGone = asked === 2;
          const data = new Uint8Array(17).fill(16);
          const message = writeEap({ kind: 'request', identifier: asked, type: EAP_TYPE.md5Challenge, data });
          return asked <= rounds ? { kind: 'challenge', message, state: [] } : await new Promise(() => undefined);
        },
      };
      const { seen, policy } = watch(true);
      const lab = await judgedElsewhere(relay, policy);
      const { peer, gre } = await lab.dial({ method: eapMethod([eapMsChapV2()]) });
      const write = gre.write.bind(gre);
      gre.write = (batch) => (isGone ? batch.count : write(batch));
      await lab.clock.advance(5_000);
      void peer.stop();
      await lab.clock.advance(10_000);
      return seen;
    };
    expect(await run(2)).toEqual(['may alice', 'tried alice bad-credentials']);
    // The server has said nothing yet of what the peer has proven.
    expect(await run(1)).toEqual(['may alice']);
    expect(await run(0)).toEqual(['may alice']);
  });
});
