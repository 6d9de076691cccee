import type { Command } from 'commander';
import type { ConfigLine } from '../admin/api/operations.ts';
import { addConfigOptions } from './config-options.ts';
import { addConnectionOptions } from './connection.ts';
import type { Cli } from './context.ts';
import { EXIT } from './exit.ts';
import { padRight, safeText, textWidth } from './text.ts';

interface Line {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

const WIDEST_VALUE = 40;

/** Keys, values and where each came from, in columns. */
export const configLines = (lines: readonly Line[]): readonly string[] => {
  const safe = lines.map(({ key, value, origin }) => ({ key, value: safeText(value), origin: safeText(origin) }));
  const keyWidth = Math.max(0, ...safe.map(({ key }) => key.length));
  const valueWidth = Math.min(WIDEST_VALUE, Math.max(0, ...safe.map(({ value }) => textWidth(value))));
  return safe.map(({ key, value, origin }) => `${key.padEnd(keyWidth)}  ${padRight(value, valueWidth)}  (${origin})`);
};

interface ShowFlags {
  readonly running?: true;
  readonly json?: true;
  readonly url?: string;
}

/** Adds the verbs `config check|show`. */
export const addConfigVerbs = ({ program, terminal, withPlugins, loadWithPlugins, gatewayOf, finish }: Cli): void => {
  const effective = async (command: Command): Promise<readonly Line[]> => {
    const { effectiveLines } = await import('../../config/describe.ts');
    return effectiveLines(await loadWithPlugins(command));
  };
  const ofRunning = async (command: Command): Promise<readonly Line[]> => {
    const { gateway } = await gatewayOf(command);
    return (await gateway.get<{ readonly config: readonly ConfigLine[] }>('/v1/config')).config;
  };

  const config = program.command('config').description('Looks at the configuration without running anything.');

  const check = config
    .command('check')
    .description('Prints everything that is wrong with it, at once.')
    .option('--json', 'one JSON document for programs');
  withPlugins(check, async (loaded) => {
    const { warnings } = loaded;
    if (check.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify({ valid: true, warnings }));
    else {
      for (const warning of warnings) terminal.out(`warning: ${warning}`);
      terminal.out('the configuration is valid');
    }
    return EXIT.done;
  });

  const show = config
    .command('show')
    .description('Prints the values in force and where each came from.')
    .option('--running', 'those of the running gateway, not those that it would have if it started now')
    .option('--json', 'one JSON document for programs');
  addConfigOptions(addConnectionOptions(show)).action(async () => {
    const { running, json, url } = show.opts<ShowFlags>();
    const lines = running === true || url !== undefined ? await ofRunning(show) : await effective(show);
    if (json === true) terminal.out(JSON.stringify({ config: lines }, null, 2));
    else for (const line of configLines(lines)) terminal.out(line);
    finish(EXIT.done);
  });
};
