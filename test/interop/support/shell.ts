import { spawn } from 'node:child_process';

/** What a finished command left: its exit status (128 + signal number is folded to 255) and what it printed. */
export interface Finished {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

export interface RunOptions {
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program's standard input; nothing if left out. */
  readonly input?: string;
  /** The process is killed after this many milliseconds; its status is then 255. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. Rejects only when it cannot be started. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' }),
    });
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(options.input ?? '');
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? 255, output, errors }));
  });
}

/** As {@link run}, and a status other than 0 is an error that shows what was printed. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, output, errors } = await run(program, args, options);
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')}: status ${status}\n${output}${errors}`);
  return output;
}

/** One word for a POSIX shell, whatever the text holds. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
