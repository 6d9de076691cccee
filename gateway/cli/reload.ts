import type { ChangedKey, ReloadReport } from '../admin/api/life.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import { EXIT } from './exit.ts';
import { type AdminVerbs, SOME_TIME } from './running-gateway.ts';
import { safeText } from './text.ts';
import { whileWaiting } from './while-waiting.ts';

const keyLine = ({ key, env, from, to }: ChangedKey): string => safeText(`  ${key} (${env}): ${from} -> ${to}`);

/** What has changed, for people. */
export const reloadLines = ({ changed, needRestart, warnings }: ReloadReport): readonly string[] => [
  ...warnings.map((warning) => `warning: ${safeText(warning)}`),
  ...(changed.length === 0 ? [] : ['in force now:', ...changed.map(keyLine)]),
  ...(needRestart.length === 0 ? [] : ['not before the gateway is started again:', ...needRestart.map(keyLine)]),
  ...(changed.length + needRestart.length === 0 ? ['nothing has changed'] : []),
];

/** Adds the verb `reload`. */
export const addReloadVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('reload')
    .description('Makes the running gateway read its configuration again; with a mistake in it, nothing changes.')
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway) => {
    try {
      const asked = gateway.send<ReloadReport>('POST', '/v1/reload', undefined, SOME_TIME);
      const report = await whileWaiting(terminal, 'the configuration is read and checked', asked);
      if (verb.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(report, null, 2));
      else for (const line of reloadLines(report)) terminal.out(line);
      return EXIT.done;
    } catch (error) {
      // The operator's mistakes, and none of the gateway's refusals.
      if (!(error instanceof AdminRefusal) || !/^CONFIG_/.test(error.reason)) throw error;
      terminal.err(`${program.name()}: ${error.reason}: ${error.message}`);
      for (const { path, message } of error.parts) {
        if (!error.message.includes(message)) terminal.err(`  ${path}: ${message}`);
      }
      return EXIT.failed;
    }
  });
};
