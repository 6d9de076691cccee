import { Argument, Option } from 'commander';
import type { SessionsPage } from '../admin/api/sessions.ts';
import { completionScript, LIVE_VALUES, type LiveValues, SHELLS, type Shell } from './completion.ts';
import { addConfigOptions } from './config-options.ts';
import { addConnectionOptions } from './connection.ts';
import type { Cli } from './context.ts';
import { EXIT } from './exit.ts';
import { modelOf } from './model.ts';

const MOST = 200;
/** Whoever types waits for it. */
const COMPLETION_MS = 2000;
/** No word that a shell would take apart, or take for something to do. */
const isWord = (text: string): boolean => /^[\p{L}\p{N}._@:+-]+$/u.test(text);

/** Adds the verb `completion`. */
export const addCompletionVerb = (cli: Cli): void => {
  const { program, terminal, finish, whole, gatewayOf } = cli;
  const verb = program
    .command('completion')
    .description('Prints a script that makes a shell complete verbs, flags, sessions and users.')
    .addArgument(new Argument('[shell]', 'which one').choices(SHELLS))
    .addOption(
      new Option('--values <what>', 'what of the running gateway can stand there').choices(LIVE_VALUES).hideHelp(),
    );

  const values = async (what: LiveValues): Promise<readonly string[]> => {
    const { gateway } = await gatewayOf(verb, COMPLETION_MS);
    if (what === 'sessions') {
      const { sessions } = await gateway.get<SessionsPage>(`/v1/sessions?limit=${MOST}`);
      return sessions.map(({ id }) => id);
    }
    const { users } = await gateway.get<{ readonly users: readonly { readonly name: string }[] }>('/v1/users');
    return users.map(({ name }) => name).slice(0, MOST);
  };

  addConfigOptions(addConnectionOptions(verb), 'socket').action(async (shell: Shell | undefined) => {
    const { values: what } = verb.opts<{ readonly values?: LiveValues }>();
    if (what !== undefined) for (const word of (await values(what)).filter(isWord)) terminal.out(word);
    else if (shell === undefined) verb.error(`error: name a shell: ${SHELLS.join(', ')}`);
    else terminal.out(completionScript(shell, program.name(), modelOf(await whole())).trimEnd());
    finish(EXIT.done);
  });
};
