import type { Cli } from './context.ts';

/** Adds the verb `run`. */
export const addRunVerb = ({ program, services, withPlugins }: Cli): void => {
  withPlugins(
    program.command('run').description('Runs the gateway in the foreground until SIGTERM or SIGINT.'),
    (loaded) => services.runGateway(loaded),
  );
};
