import type { CliTerminal } from '../../gateway/cli/terminal.ts';

/** A terminal at which nobody sits; what a test gives stands in its place. Asking is a mistake then. */
export const memoryTerminal = (parts: Partial<CliTerminal> = {}): CliTerminal => {
  const nobody = (): never => {
    throw new Error('nobody can be asked');
  };
  return {
    out: () => undefined,
    err: () => undefined,
    interactive: false,
    ask: nobody,
    confirm: nobody,
    readInput: async () => '',
    screen: undefined,
    progress: undefined,
    onInterrupt: () => () => undefined,
    ...parts,
  };
};
