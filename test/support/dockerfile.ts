export interface Instruction {
  readonly name: string;
  /** On one line. */
  readonly text: string;
}

/** The instructions of a Dockerfile: comments gone, continued lines joined, one blank where there were more. */
export const parseDockerfile = (content: string): readonly Instruction[] => {
  const lines = content.split('\n').filter((line) => !/^\s*#/.test(line));
  const joined = lines.join('\n').replaceAll(/\\\n/g, ' ');
  return joined
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
      return { name, text };
    });
};
