import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';
import type { Stats } from '../admin/api/stats.ts';
import type { UpgradeReport } from '../admin/api/upgrade.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import { EXIT } from './exit.ts';
import { type AdminVerbs, LONG_TIME, type RunningGateway } from './running-gateway.ts';
import { countText } from './units.ts';
import { whileWaiting } from './while-waiting.ts';

/** For people. */
export const upgradeLines = ({ pid, tunnels, setups, stillMs }: UpgradeReport): readonly string[] => [
  `process ${pid} serves now, with ${countText(tunnels, 'tunnel')}; nothing passed for ${stillMs} ms`,
  ...(setups === 0 ? [] : [`${countText(setups, 'set-up')} was under way and is lost: the clients call again`]),
];

const TURNS = 200;
const TURN_MS = 100;
/** For one that takes connections and says nothing. */
const MOST_MS = 60_000;

/** The old one refuses with 503 while it closes. */
const isMoving = (error: unknown): boolean =>
  error instanceof AdminRefusal
    ? error.status === 503
    : error instanceof GatewayError && error.code === 'ADMIN_UNREACHABLE';

/** The admin API changes hands a moment after the tunnels: whoever asks next is to find it. */
const untilItAnswers = async (gateway: RunningGateway, pid: number, pause: () => Promise<unknown>): Promise<void> => {
  const end = performance.now() + MOST_MS;
  for (let turn = 0; turn < TURNS && performance.now() < end; turn += 1) {
    try {
      const { processes } = await gateway.get<Pick<Stats, 'processes'>>('/v1/stats');
      if (processes.some((one) => one.pid === pid)) return;
    } catch (error) {
      if (!isMoving(error)) throw error;
    }
    await pause();
  }
};

/** Adds the verb `upgrade`. */
export const addUpgradeVerb = (
  { program, terminal, action }: AdminVerbs,
  pause = (): Promise<unknown> => sleep(TURN_MS),
): void => {
  const verb = program
    .command('upgrade')
    .description(
      'Lets a new process, of the program that is installed now, go on with the tunnels of the running gateway.',
    )
    .option('--allow-drop', 'end tunnels that cannot be moved, instead of refusing')
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway) => {
    const { allowDrop = false, json } = verb.opts<{ readonly allowDrop?: true; readonly json?: true }>();
    const asked = gateway.send<UpgradeReport>('POST', '/v1/upgrade', { allowDrop }, LONG_TIME);
    const report = await whileWaiting(terminal, 'a new process starts and takes over', asked);
    await whileWaiting(terminal, 'waiting for its admin API', untilItAnswers(gateway, report.pid, pause));
    if (json === true) terminal.out(JSON.stringify(report, null, 2));
    else for (const line of upgradeLines(report)) terminal.out(line);
    return EXIT.done;
  });
};
