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
