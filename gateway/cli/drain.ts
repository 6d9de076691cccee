import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';
import type { DrainRequest, LifeView } from '../admin/api/life.ts';
import { EXIT } from './exit.ts';
import type { Pause } from './live-view.ts';
import { type AdminVerbs, type RunningGateway, SOME_TIME } from './running-gateway.ts';
import { phaseText } from './status.ts';
import type { CliTerminal } from './terminal.ts';
import { safeText } from './text.ts';
import { countText, durationText, parseSpan } from './units.ts';
import { whileWaiting } from './while-waiting.ts';

interface DrainFlags {
  readonly seconds?: number;
  readonly stop?: true;
  readonly wait?: true;
  readonly cancel?: true;
  readonly json?: true;
}

const POLL_MS = 1000;
const realPause: Pause = (milliseconds, signal) => sleep(milliseconds, undefined, { signal });

const leftText = ({ sessions, deadline }: LifeView, now: number): string => {
  const left = countText(sessions, 'session');
  if (deadline === null) return `draining: ${left} left`;
  return `draining: ${left} left, at most ${durationText((Date.parse(deadline) - now) / 1000)} more`;
};

interface Waiting {
  readonly gateway: RunningGateway;
  readonly terminal: CliTerminal;
  readonly signal: AbortSignal;
  readonly pause: Pause;
}

/** Resolves with how it ended; undefined when the gateway has gone, as it was told to. Shows how many are left. */
const waitForIt = async (waiting: Waiting, begun: LifeView): Promise<LifeView | undefined> => {
  const { gateway, terminal, signal, pause } = waiting;
  let life = begun;
  let told: number | undefined;
  try {
    while (life.phase === 'draining' || life.phase === 'stopping') {
      if (life.sessions === 0 && !life.thenStop) break;
      const line = leftText(life, Date.now());
      if (terminal.progress !== undefined) terminal.progress(line);
      else if (told !== life.sessions) terminal.err(line);
      told = life.sessions;
      await pause(POLL_MS, signal);
      life = await gateway.get<LifeView>('/v1/life');
    }
    return life;
  } catch (error) {
    // A gateway that ends after the drain is gone then.
    if (life.thenStop && error instanceof GatewayError && error.code === 'ADMIN_UNREACHABLE') return undefined;
    throw error;
  } finally {
    terminal.progress?.('');
  }
};

/** Adds the verb `drain`. */
export const addDrainVerb = ({ program, terminal, action }: AdminVerbs, pause: Pause = realPause): void => {
  const verb = program
    .command('drain')
    .description('Takes no new calls from now on; what is up goes on until it ends by itself, or its time is over.')
    .option(
      '--seconds <time>',
      'how long it may (90s, 10m, 2h; 0: not at all; default: PPTP_DRAIN_TIMEOUT)',
      parseSpan(1),
    )
    .option('--stop', 'end the gateway after it')
    .option('--wait', 'wait until no session is left, and show how many are')
    .option('--cancel', 'take calls again')
    .option('--json', 'one JSON document for programs');
  const say = (life: LifeView, json: boolean): void =>
    terminal.out(json ? JSON.stringify(life) : safeText(`${phaseText(life)}; ${countText(life.sessions, 'session')}`));

  const wait = async (gateway: RunningGateway, begun: LifeView, json: boolean): Promise<number> => {
    const abort = new AbortController();
    const forget = terminal.onInterrupt(() => abort.abort());
    try {
      const waiting = { gateway, terminal, signal: abort.signal, pause };
      const life = await waitForIt(waiting, begun);
      if (life === undefined) terminal.out(json ? JSON.stringify({ phase: 'stopped' }) : 'the gateway has stopped');
      else say(life, json);
      // Somebody else has taken it back.
      return life === undefined || life.phase !== 'ready' ? EXIT.done : EXIT.failed;
    } catch (error) {
      if (!abort.signal.aborted) throw error;
      terminal.err('the drain goes on; "drain --cancel" ends it');
      return EXIT.interrupted;
    } finally {
      forget();
    }
  };

  action(verb, async (gateway) => {
    const { seconds, stop, wait: waits, cancel, json = false } = verb.opts<DrainFlags>();
    if (cancel === true) {
      if (seconds !== undefined || stop === true || waits === true) verb.error('error: --cancel stands alone');
      say(await gateway.send<LifeView>('DELETE', '/v1/drain', undefined, SOME_TIME), json);
      return EXIT.done;
    }
    const order: DrainRequest = {
      ...(seconds === undefined ? {} : { seconds }),
      ...(stop === undefined ? {} : { stop }),
    };
    const asked = gateway.send<LifeView>('POST', '/v1/drain', order, SOME_TIME);
    const begun = await whileWaiting(terminal, 'waiting for the gateway', asked);
    if (waits === true) return wait(gateway, begun, json);
    say(begun, json);
    return EXIT.done;
  });
};
