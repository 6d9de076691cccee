import type { Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open, stat, unlink } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { GatewayError } from '../core/errors.ts';

/** Packets are nobody else's business. */
const PRIVATE = 0o600;
/** How often is looked whether somebody reads a named pipe by now. */
const LOOK_MS = 100;

const errno = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

const cannotOpen = (path: string, cause: unknown): GatewayError =>
  new GatewayError(
    'CAPTURE_FILE',
    `${path} cannot be written (${cause instanceof Error ? cause.message : String(cause)}): choose another file with -w.`,
    { cause },
  );

const onTerminal = (): GatewayError =>
  new GatewayError(
    'CAPTURE_FILE',
    'standard output is a terminal: name a file with -w, or pipe the command into "tshark -r -".',
  );

/** What was there may be open to others, or be somebody else's: it is replaced, not written to. */
const newFile = async (path: string, old: Stats | undefined): Promise<FileHandle> => {
  if (old !== undefined) await unlink(path);
  return open(path, 'wx', PRIVATE);
};

/** A pipe that nobody reads would hold the command for good where no signal ends it: it is asked again and again. */
const openPipe = async (path: string, signal: AbortSignal | undefined): Promise<FileHandle> => {
  for (;;) {
    try {
      const nobody = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
      try {
        // With a reader there, this one does not wait.
        return await open(path, constants.O_WRONLY);
      } finally {
        await nobody.close();
      }
    } catch (cause) {
      if (errno(cause) !== 'ENXIO') throw cause;
      await delay(LOOK_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
};

/** A device, or a link to one. A link to a file may be somebody's trap: the file is to be named itself. */
const openOther = async (path: string): Promise<FileHandle> => {
  const handle = await open(path, constants.O_WRONLY);
  const found = await handle.stat();
  if (!found.isFile() && !isatty(handle.fd)) return handle;
  await handle.close();
  if (!found.isFile()) throw onTerminal();
  throw new GatewayError(
    'CAPTURE_FILE',
    `${path} is a link to a file: name the file itself with -w, or - for standard output.`,
  );
};

const openNamed = async (path: string, signal: AbortSignal | undefined): Promise<FileHandle> => {
  try {
    const there = await lstat(path).catch((cause: unknown) => {
      if (errno(cause) === 'ENOENT') return undefined;
      throw cause;
    });
    if (there === undefined || there.isFile()) return await newFile(path, there);
    return (await stat(path)).isFIFO() ? await openPipe(path, signal) : await openOther(path);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    if (signal?.aborted === true) {
      throw new GatewayError('CAPTURE_FILE', `interrupted before anybody read ${path}.`, { cause });
    }
    throw cannotOpen(path, cause);
  }
};

/** Fails and ends without standard output, which belongs to the whole process. */
const toStandardOutput = (): Writable =>
  new Writable({ write: (chunk, _encoding, done) => void process.stdout.write(chunk, done) });

/**
 * What `-w` names: a new file that only its owner reads, a named pipe once somebody reads it, a device, or standard
 * output. Rejects with CAPTURE_FILE.
 */
export const openCaptureFile = async (path: string, signal?: AbortSignal): Promise<Writable> => {
  if (path !== '-') return (await openNamed(path, signal)).createWriteStream();
  if (process.stdout.isTTY === true) throw onTerminal();
  return toStandardOutput();
};
