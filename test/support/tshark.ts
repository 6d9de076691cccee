import { execFileSync, spawnSync } from 'node:child_process';

/** Why captures cannot be read with Wireshark's dissectors here; undefined when they can. */
export const tsharkUnavailable = (): string | undefined => {
  const { error, status } = spawnSync('tshark', ['--version'], { stdio: 'ignore' });
  if (error !== undefined) return 'the program "tshark" is missing (Debian package tshark)';
  return status === 0 ? undefined : `tshark --version ends with status ${status}`;
};

/** The values of these fields of each packet that fits the display filter, in order. Throws when tshark complains. */
export const tshark = <Field extends string>(
  file: string,
  fields: readonly Field[],
  filter = '',
): readonly Readonly<Record<Field, string>>[] => {
  const wanted = fields.flatMap((field) => ['-e', field]);
  const args = ['-r', file, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', ...wanted];
  const output = execFileSync('tshark', filter === '' ? args : [...args, '-Y', filter], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const values = line.split('\t');
      return Object.fromEntries(fields.map((field, at) => [field, values[at] ?? ''])) as Record<Field, string>;
    });
};
