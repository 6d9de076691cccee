import { Command } from 'commander';
import type { Cli, CliServices, PlainCli } from './context.ts';
import { examplesOf } from './examples.ts';
import { EXIT, EXIT_MEANINGS } from './exit.ts';
import { modelOf, type VerbModel } from './model.ts';
import { VERBS } from './verbs.ts';

export const PROGRAM = 'pptp-gateway';

const exitText = (): string =>
  (['done', 'failed', 'usage', 'unreachable', 'refused', 'interrupted'] as const)
    .map((name) => `  ${String(EXIT[name]).padEnd(3)}  ${EXIT_MEANINGS[name]}`)
    .join('\n');

/** Examples below the help of each verb that has some. */
const addExamples = (command: Command, path: string): void => {
  const lines = examplesOf(path).map(({ line, what }) => `  ${PROGRAM} ${line}\n      ${what}`);
  if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  for (const verb of command.commands) addExamples(verb, path === '' ? verb.name() : `${path} ${verb.name()}`);
};

/**
 * The command line: the verb `first` alone, where there is such a verb, and all of them otherwise (help, mistakes, and
 * what is made of the program). `finish` is told the exit code of the verb that ran.
 */
export const buildProgram = async (
  services: CliServices,
  finish: (code: number) => void,
  first?: string,
): Promise<Command> => {
  const { terminal } = services;
  const program = new Command(PROGRAM)
    .description('PPTP edge gateway: accepts PPTP clients and routes them into the intranet; dials PPTP servers.')
    .version(`${PROGRAM} ${services.version}`, '-V, --version', 'prints the version')
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .addHelpText('after', `\nExit codes:\n${exitText()}`)
    .exitOverride();
  const one = VERBS.find(({ name }) => name === first);
  const whole = (): Promise<Command> => buildProgram(services, finish);
  const plain: PlainCli = { program, services, terminal, finish, whole };
  let cli: Cli | undefined;
  for (const verb of one === undefined ? VERBS : [one]) {
    if ('addPlain' in verb) await verb.addPlain(plain);
    else {
      cli ??= (await import('./context.ts')).cliContext(plain);
      await verb.add(cli);
    }
  }
  addExamples(program, '');
  return program;
};

/** The program as what it consists of, for what is made of it; nothing of it can run. */
export const programModel = async (): Promise<VerbModel> => {
  const nothing = (): never => {
    throw new Error('this program is only looked at');
  };
  const terminal: CliServices['terminal'] = {
    out: nothing,
    err: nothing,
    interactive: false,
    ask: nothing,
    confirm: nothing,
    readInput: nothing,
    screen: undefined,
    progress: undefined,
    onInterrupt: nothing,
  };
  const work = { runGateway: nothing, dial: nothing, examine: nothing, openUsers: nothing };
  return modelOf(await buildProgram({ version: '', env: {}, terminal, ...work }, () => undefined));
};
