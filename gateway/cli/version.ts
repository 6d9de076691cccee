import type { PlainCli } from './context.ts';
import { EXIT } from './exit.ts';

/** Adds the verb `version`. */
export const addVersionVerb = ({ program, services, terminal, finish }: PlainCli): void => {
  const verb = program
    .command('version')
    .description('Prints the version.')
    .option('--json', 'one JSON document for programs');
  verb.action(() => {
    const { version } = services;
    const node = process.versions.node;
    const json = verb.opts<{ readonly json?: true }>().json === true;
    terminal.out(json ? JSON.stringify({ version, node }) : `${program.name()} ${version} (Node ${node})`);
    finish(EXIT.done);
  });
};
