import { GatewayError } from '../core/errors.ts';

/** One thing the operator has to change. */
export interface ConfigProblem {
  /** Dotted path of the key, if one is concerned. */
  readonly key?: string;
  /** Its environment name. */
  readonly env?: string;
  /** A sentence without key or value: what is wrong and what is expected. */
  readonly message: string;
}

export const formatProblem = ({ key, env, message }: ConfigProblem): string => {
  const names = [key, env].filter((name) => name !== undefined);
  if (names.length === 0) return message;
  return `${names[0]}${names.length > 1 ? ` (${names[1]})` : ''}: ${message}`;
};

/** All problems of a configuration at once; the message holds one line for each. */
export class ConfigError extends GatewayError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], code: 'CONFIG_INVALID' | 'CONFIG_FILE' = 'CONFIG_INVALID') {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    super(code, `the configuration has ${count}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}
