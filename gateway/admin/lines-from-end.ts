import { type FileHandle, open } from 'node:fs/promises';

const CHUNK = 64 * 1024;
/** A longer line is nobody's. */
const LONGEST = 1024 * 1024;
const NEW_LINE = 0x0a;

/** The lines of a file, the last one first; none where there is no such file. */
export async function* linesFromEnd(path: string): AsyncGenerator<string> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
    throw cause;
  }
  try {
    let at = (await file.stat()).size;
    let rest = Buffer.alloc(0);
    while (at > 0) {
      const length = Math.min(CHUNK, at);
      at -= length;
      const chunk = Buffer.alloc(length);
      const { bytesRead } = await file.read(chunk, 0, length, at);
      rest = Buffer.concat([chunk.subarray(0, bytesRead), rest]);
      for (let cut = rest.lastIndexOf(NEW_LINE); cut >= 0; cut = rest.lastIndexOf(NEW_LINE)) {
        if (cut + 1 < rest.length) yield rest.toString('utf8', cut + 1);
        rest = rest.subarray(0, cut);
      }
      if (rest.length > LONGEST) return;
    }
    if (rest.length > 0) yield rest.toString('utf8');
  } finally {
    await file.close();
  }
}
