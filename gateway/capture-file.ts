import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { GatewayError } from '../core/errors.ts';

/** Packets are nobody else's business. */
const PRIVATE = 0o600;

const cannotOpen = (path: string, cause: unknown): GatewayError =>
  new GatewayError(
    'CAPTURE_FILE',
    `${path} cannot be written (${cause instanceof Error ? cause.message : String(cause)}): choose another file with -w.`,
    { cause },
  );

const openFile = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, 'w', PRIVATE);
  } catch (cause) {
    throw cannotOpen(path, cause);
  }
};

/** What `-w` names, emptied: a file that only its owner reads, a named pipe, or standard output. Rejects with CAPTURE_FILE. */
export const openCaptureFile = async (path: string): Promise<Writable> => {
  if (path !== '-') return (await openFile(path)).createWriteStream();
  if (process.stdout.isTTY !== true) return process.stdout;
  throw new GatewayError(
    'CAPTURE_FILE',
    'standard output is a terminal: name a file with -w, or pipe the command into "tshark -r -".',
  );
};
