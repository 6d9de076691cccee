import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly minVersion: 'TLSv1.2';
}

/** Between two looks at the files. */
const LOOK_MS = 5000;

const stamp = async ({ cert, key }: TlsFiles): Promise<string> => {
  const looks = await Promise.all([stat(cert), stat(key)]);
  return looks.map(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`).join(' ');
};

/** Certificate and key from files, also when they have been replaced. */
export class TlsSource {
  readonly #files: TlsFiles;
  readonly #now: () => number;
  #stamp = '';
  #lookedAt = 0;

  constructor(files: TlsFiles, now: () => number) {
    this.#files = files;
    this.#now = now;
  }

  /** Rejects when they cannot be read, or do not belong together. */
  async load(): Promise<TlsMaterial> {
    this.#lookedAt = this.#now();
    this.#stamp = await stamp(this.#files);
    const [cert, key] = await Promise.all([readFile(this.#files.cert), readFile(this.#files.key)]);
    const material = { cert, key, minVersion: 'TLSv1.2' } as const;
    createSecureContext(material);
    return material;
  }

  /** Undefined: nothing has changed, or it is too early to look again. Rejects as `load`. */
  async renewed(): Promise<TlsMaterial | undefined> {
    if (this.#now() - this.#lookedAt < LOOK_MS) return undefined;
    this.#lookedAt = this.#now();
    return (await stamp(this.#files)) === this.#stamp ? undefined : this.load();
  }
}
