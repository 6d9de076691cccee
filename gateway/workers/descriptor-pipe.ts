import type { NativeDescriptors } from '../../native/descriptors.d.ts';
import { loadAddonWith } from '../../plugins/native-addon/load-addon.ts';

const load = (): NativeDescriptors =>
  loadAddonWith<NativeDescriptors>(['socketPair', 'sendFds', 'receiveFds', 'closeFd']);

/** A descriptor that somebody has to close. */
export interface OwnDescriptor {
  readonly fd: number;
  close(): void;
}

/** A way for descriptors from a child process, which Node's channel does not take. */
export interface DescriptorPipe {
  /** For the child; `forked` closes it here. */
  readonly childEnd: number;
  forked(): void;
  /** What the child has sent last; its own copies stay, and what nobody has asked for in time is closed. Throws what the system says. */
  receive(): readonly OwnDescriptor[];
  /** The child is gone. */
  end(): void;
}

/** Undefined: without the addon there is none, and nothing that would be sent. */
export const openDescriptorPipe = (): DescriptorPipe | undefined => {
  let addon: NativeDescriptors;
  try {
    addon = load();
  } catch {
    return undefined;
  }
  const [own, childEnd] = addon.socketPair();
  return {
    childEnd,
    forked: () => addon.closeFd(childEnd),
    receive: () => {
      let fds = addon.receiveFds(own);
      for (let next = fds; next.length > 0; next = more(addon, own)) {
        if (next !== fds) for (const fd of fds) addon.closeFd(fd);
        fds = next;
      }
      return fds.map((fd) => ({ fd, close: () => addon.closeFd(fd) }));
    },
    end: () => addon.closeFd(own),
  };
};

/** Those of one more message, if there is one. */
const more = (addon: NativeDescriptors, socket: number): readonly number[] => {
  try {
    return addon.receiveFds(socket);
  } catch {
    return [];
  }
};

/** In the child. Throws what the system says. */
export const sendDescriptors = (pipe: number, fds: readonly number[]): void =>
  load().sendFds(pipe, Int32Array.from(fds));
