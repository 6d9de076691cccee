/** A back-end that asks a program over its standard input and output (docs/exec.md). */
export type { ExecOptions } from './options.ts';
export { Exec, execPlugin, execPlugin as default } from './plugin.ts';
