import { accessSync, constants } from 'node:fs';

/** What the operator has to change before the script can go on: a stable code and a sentence that says what to do. */
export class SetupError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'SetupError';
    this.code = code;
  }
}

export const complain = ({ code, message }) => console.error(`pptp-gateway: ${code}: ${message}`);

/** Set-up writes into the checkout; say so before a dozen tools do. */
export const requireWritable = (folder) => {
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new SetupError(
      'NOT_WRITABLE',
      `${folder} has to be set up, but this user may not write there: run it once as its owner.`,
    );
  }
};

/** The one folder that a script is given, or `fallback`; anything else on its command line is a mistake. */
export const folderOf = (words, usage, fallback) => {
  const [folder = fallback, ...more] = words;
  if (folder === undefined || folder.startsWith('-') || more.length > 0) throw new SetupError('USAGE', usage);
  return folder;
};

/** Progress goes to standard error: standard output belongs to the program that is set up. */
export const say = (line) => console.error(`setup: ${line}`);

/** Runs a script's `main`, which resolves with the exit code (undefined: the process goes on and sets its own). */
export const runScript = async (main) => {
  try {
    const code = await main(process.argv.slice(2));
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (error instanceof SetupError) complain(error);
    else console.error(error);
    process.exitCode = 1;
  }
};
