import type { CancelSignal } from './cancel.ts';

/**
 * A part of the gateway that can stand still for a moment, and that another process of this host can go on with. Between
 * `freeze` and `thaw` nothing is read, nothing is sent, and no time passes for it.
 */
export interface Movable {
  freeze(): void;
  /** The other process did not come to take over: everything goes on as it was. */
  thaw(): void;
}

/** A device whose descriptor another process can have. */
export interface MovableDevice extends Movable {
  /** Undefined while it is not open. `about` is what the other process has to know of it. */
  descriptor(): { readonly fd: number; readonly about: string } | undefined;
}

export const isMovableDevice = (device: object): device is MovableDevice =>
  ['freeze', 'thaw', 'descriptor'].every((name) => typeof Reflect.get(device, name) === 'function');

/** Of a device that was opened by the process before: `start` makes it ready, and `thaw` begins to read. */
export interface InheritedDevice {
  readonly fd: number;
  readonly about: string;
}

/**
 * How a part of a plug-in goes on in another process (`Lifecycle.handOver`): because only one process can have something of it (a
 * port, a lock, a file), or because it knows something of sessions that are up. The steps, of which all but the first two
 * run while no packet passes, and so take milliseconds:
 *
 * 1. `startBeside` in the new process.
 * 2. `rest` in the old one, whose tunnels go on.
 * 3. `release` in the old one.
 * 4. `takeOver` in the new one, and after it `SessionListener.restored` for each session.
 * 5. `serve` in the new one, and nothing before it is seen by anybody else.
 * 6. `Lifecycle.stop` in the old one, which has nothing to say to anybody then.
 *
 * Where it comes to nothing, at whatever step, the new process is ended without a word, and the old one goes on by `takeBack`.
 * A step that is absent does nothing; `startBeside` is `Lifecycle.start` then.
 */
export interface HandOver {
  /** Everything but what the old process has still; looks whether it could have what only the new configuration asks for. */
  startBeside?(signal: CancelSignal): Promise<void>;
  /** Begins nothing new, and resolves when what is under way is over: for a second at most. */
  rest?(): Promise<void>;
  /** Lets go of what only one process can have. What it returns goes to `takeOver`: plain data, as `structuredClone` takes it. */
  release?(): Promise<unknown>;
  /**
   * `state` is of another version of the program, perhaps: it is believed only after a look (undefined: there was no such
   * part). Rejects with what is in the way: then nothing is handed over.
   */
  takeOver?(state: unknown): Promise<void>;
  /** From now on this process serves. */
  serve?(): void;
  /** Has again what it had before, though not all steps may have been done, or one of them may be under way. */
  takeBack?(): Promise<void>;
}
