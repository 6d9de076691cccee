import { InvalidArgumentError } from 'commander';
import { type LevelState, LOG_LEVELS, type LogLevel } from '../../observability/log-levels.ts';
import type { LevelRequest } from '../admin/routes/log-level.ts';
import type { AdminVerbs } from './running-gateway.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** "90s", "10m", "2h", or seconds alone. */
export const parseDuration = (text: string): number => {
  const match = /^(\d{1,6})([smh]?)$/.exec(text);
  const seconds = Number(match?.[1] ?? 0) * (UNIT_SECONDS[match?.[2] || 's'] ?? 0);
  if (seconds < 1 || seconds > 86_400) throw new InvalidArgumentError('A time such as 90s, 10m or 2h, a day at most.');
  return seconds;
};

const parseLevel = (text: string): LogLevel => {
  const level = LOG_LEVELS.find((one) => one === text);
  if (level === undefined) throw new InvalidArgumentError(`One of ${LOG_LEVELS.join(', ')}.`);
  return level;
};

export const describeLevel = ({ level, configured, secondsLeft }: LevelState): string => {
  if (secondsLeft !== undefined) return `log level ${level}, in ${secondsLeft} s ${configured} again`;
  return level === configured ? `log level ${level}` : `log level ${level} (configured: ${configured})`;
};

/** Adds the verb `log-level`. */
export const addLogLevelVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('log-level')
    .description('Shows or changes how much the running gateway logs.')
    .argument('[level]', LOG_LEVELS.join(', '), parseLevel)
    .option('--for <time>', 'only for this long (90s, 10m, 2h), then as configured', parseDuration)
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway, text) => {
    const { for: seconds, json } = verb.opts<{ readonly for?: number; readonly json?: true }>();
    const path = '/v1/log/level';
    let state: LevelState;
    if (text === undefined) {
      if (seconds !== undefined) verb.error('error: --for needs a level');
      state = await gateway.get<LevelState>(path);
    } else {
      const body: LevelRequest = { level: parseLevel(text), ...(seconds === undefined ? {} : { seconds }) };
      state = await (await gateway.request({ method: 'PUT', path, body })).json<LevelState>();
    }
    terminal.out(json === true ? JSON.stringify(state) : describeLevel(state));
  });
};
