import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** A file that says what the result beside it was made from. Kept inside the result, so that both vanish together. */
export const isStamped = async (path, wanted) => (await readFile(path, 'utf8').catch(() => '')) === wanted;

export const writeStamp = async (path, content) => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
};

/** Digest of names, sizes and times of the files below `folders` that `accept` takes. */
export const fingerprint = async (base, folders, accept) => {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const entries = await readdir(join(base, folder), { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile() && accept(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    for (const path of paths.sort()) {
      const { size, mtimeMs } = await stat(path);
      hash.update(`${relative(base, path)} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
};
