import type { UpgradeReport } from '../admin/api/upgrade.ts';
import { EXIT } from './exit.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { countText } from './units.ts';

/** For people. */
export const upgradeLines = ({ pid, tunnels, setups, stillMs }: UpgradeReport): readonly string[] => [
  `process ${pid} serves now, with ${countText(tunnels, 'tunnel')}; nothing passed for ${stillMs} ms`,
  ...(setups === 0 ? [] : [`${countText(setups, 'set-up')} was under way and is lost: the clients call again`]),
];

/** Adds the verb `upgrade`. */
export const addUpgradeVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('upgrade')
    .description(
      'Lets a new process, of the program that is installed now, go on with the tunnels of the running gateway.',
    )
    .option('--allow-drop', 'end tunnels that cannot be moved, instead of refusing')
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway) => {
    const { allowDrop = false, json } = verb.opts<{ readonly allowDrop?: true; readonly json?: true }>();
    const report = await gateway.send<UpgradeReport>('POST', '/v1/upgrade', { allowDrop });
    if (json === true) terminal.out(JSON.stringify(report, null, 2));
    else for (const line of upgradeLines(report)) terminal.out(line);
    return EXIT.done;
  });
};
