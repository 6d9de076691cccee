import { type FileHandle, open, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname } from 'node:path';

const codeOf = (cause: unknown): unknown => (cause instanceof Error ? Reflect.get(cause, 'code') : undefined);

/**
 * Keeps a spool for one process: a Unix socket beside it, which listens for as long as the process lives and is closed by
 * the kernel however it ends. Where the file system has no sockets there is no lock.
 */
export class SpoolLock {
  private folder: FileHandle | undefined;
  private server: Server | undefined;

  get isTaken(): boolean {
    return this.folder !== undefined;
  }

  /** False: another process has it. */
  async take(spool: string): Promise<boolean> {
    this.folder = await open(dirname(spool), 'r');
    // The path of a socket must be short, and that of a folder need not be.
    const path = `/proc/self/fd/${this.folder.fd}/${basename(spool)}.lock`;
    let why = await this.listen(path);
    if (why === 'EADDRINUSE') {
      if (await isAlive(path)) {
        await this.release();
        return false;
      }
      await unlink(path).catch(() => undefined);
      why = await this.listen(path);
    }
    if (why !== 'EADDRINUSE') return true;
    // Somebody else was faster.
    await this.release();
    return false;
  }

  async release(): Promise<void> {
    const { folder, server } = this;
    this.folder = undefined;
    this.server = undefined;
    // Removes the socket by its path, for which the folder must be open.
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    await folder?.close();
  }

  /** Why it does not; undefined when it does. */
  private listen(path: string): Promise<unknown> {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    return new Promise((resolve) => {
      server.once('error', (cause) => resolve(codeOf(cause)));
      server.listen(path, () => {
        this.server = server;
        resolve(undefined);
      });
    });
  }
}

/** Only a refusal says that nobody listens. */
const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (cause) => resolve(codeOf(cause) !== 'ECONNREFUSED' && codeOf(cause) !== 'ENOENT'));
  });
