import { CommanderError } from 'commander';
import { GatewayError } from '../core/errors.ts';
import { AdminRefusal } from './admin/refusal.ts';
import type { CliServices } from './cli/context.ts';
import { EXIT, exitOf, Interrupted } from './cli/exit.ts';
import { buildProgram, PROGRAM } from './cli/program.ts';

export type { CliServices } from './cli/context.ts';
export { EXIT } from './cli/exit.ts';

/** Operator errors as lines for standard error; a bug keeps its stack. */
const errorLines = (error: unknown): readonly string[] => {
  if (error instanceof CommanderError || error instanceof Interrupted) return [];
  if (error instanceof GatewayError) {
    const parts =
      error instanceof AdminRefusal ? error.parts.filter((part) => !error.message.includes(part.message)) : [];
    return [
      `${PROGRAM}: ${error.code}: ${error.message}`,
      ...parts.map(({ path, message }) => `  ${path}: ${message}`),
    ];
  }
  return [`${PROGRAM}: internal error: ${error instanceof Error ? error.stack : String(error)}`];
};

/**
 * Runs the verb that `argv` (without node and script) names and resolves with the exit code (`EXIT`). Operator errors
 * become one line `pptp-gateway: CODE: sentence` on standard error (a bad configuration one line per problem).
 */
export const runCli = async (argv: readonly string[], services: CliServices): Promise<number> => {
  let code: number = EXIT.usage;
  const finish = (result: number): void => {
    code = result;
  };
  const program = await buildProgram(services, finish, argv[0]);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    for (const line of errorLines(error)) services.terminal.err(line);
    return exitOf(error);
  }
};
