import { randomBytes } from 'node:crypto';
import { link, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';

/** Each turn somebody else has changed the place meanwhile, or is about to. */
const MOST_TURNS = 200;
const TURN_MS = 10;

const errno = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';

export const cannotServe = (path: string, cause: unknown): GatewayError =>
  new GatewayError(
    'ADMIN_SOCKET',
    `the admin socket ${path} cannot be made (${errno(cause)}): set PPTP_ADMIN_SOCKET to a path in a folder that is there and may be written to, or to off.`,
    { cause },
  );

/** A name of our own beside `path`, and a short one: so must the path of a socket be. */
const beside = (path: string): string => join(dirname(path), `.${randomBytes(4).toString('hex')}`);

interface Found {
  readonly isSocket: boolean;
  readonly device: number;
  readonly inode: number;
}

const isSame = (a: Found, b: Found | undefined): boolean => a.device === b?.device && a.inode === b.inode;

/**
 * The path of a socket, for one gateway at a time. The socket is made under another name (`draft`) and then linked to its
 * own, which fails when something is there: of two gateways that start together one gets it. What a dead process left may
 * only be removed by the one that has linked its socket to a name made of the inode's number, so that nobody removes a
 * socket that has just taken the place.
 */
export class SocketPlace {
  readonly draft: string;
  private readonly path: string;
  private own: Found | undefined;

  constructor(path: string) {
    this.path = path;
    this.draft = beside(path);
  }

  /** `draft` listens, and is `path` from now on. Rejects with ADMIN_SOCKET when another gateway has the place. */
  async take(): Promise<void> {
    try {
      const own = await look(this.draft);
      for (let turn = 0; turn < MOST_TURNS; turn += 1) {
        if (await this.link(this.path)) {
          this.own = own;
          return;
        }
        await this.clearStale();
      }
      throw cannotServe(this.path, Object.assign(new Error('the place is never free'), { code: 'EEXIST' }));
    } catch (cause) {
      throw cause instanceof GatewayError ? cause : cannotServe(this.path, cause);
    } finally {
      await remove(this.draft);
    }
  }

  /** Call it while the socket still listens: it is nobody's to clear until then. What is not ours stays. */
  async leave(): Promise<void> {
    const { own } = this;
    this.own = undefined;
    if (own !== undefined && isSame(own, await look(this.path).catch(() => undefined))) await remove(this.path);
  }

  private async link(path: string): Promise<boolean> {
    try {
      await link(this.draft, path);
      return true;
    } catch (cause) {
      if (errno(cause) === 'EEXIST') return false;
      throw cause;
    }
  }

  /** Takes away the socket that a process left behind when it died. */
  private async clearStale(): Promise<void> {
    const { path } = this;
    const found = await look(path);
    if (found === undefined) return;
    if (!found.isSocket) {
      throw new GatewayError(
        'ADMIN_SOCKET',
        `${path} is there and is not a socket: remove it, or set PPTP_ADMIN_SOCKET to another path.`,
      );
    }
    if (!(await isStale(path))) {
      throw new GatewayError(
        'ADMIN_SOCKET',
        `another gateway answers on ${path}: stop it, or give this one a PPTP_STATE_DIR or PPTP_ADMIN_SOCKET of its own.`,
      );
    }
    const claim = join(dirname(path), `.stale-${found.inode}`);
    if (!(await this.link(claim))) {
      // Somebody else is at it, or died over it.
      if (await isStale(claim)) await remove(claim);
      else await sleep(TURN_MS);
      return;
    }
    try {
      // Until the claim was ours the place may have got another socket, of the same number even.
      if (isSame(found, await look(path)) && (await isStale(path))) await remove(path);
    } finally {
      await remove(claim);
    }
  }
}

const look = async (path: string): Promise<Found | undefined> => {
  try {
    const found = await lstat(path);
    return { isSocket: found.isSocket(), device: found.dev, inode: found.ino };
  } catch (cause) {
    if (errno(cause) === 'ENOENT') return undefined;
    throw cause;
  }
};

const remove = (path: string): Promise<void> =>
  unlink(path).catch((cause: unknown) => {
    if (errno(cause) !== 'ENOENT') throw cause;
  });

/** Only a refusal says that nobody listens: a gateway with a full queue, or of another user, is there. */
const isStale = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (cause) => {
      const code = errno(cause);
      if (code === 'EAGAIN') resolve(false);
      else if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(true);
      else reject(cause);
    });
  });
