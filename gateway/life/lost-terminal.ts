import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

const STANDARD = [0, 1, 2];

/**
 * To be made while the terminal is there. The result gives up what of it this process holds: Node puts the terminal into
 * its old state at the very end, and aborts where it is gone, unless these are something else by then.
 */
export const lostTerminal = (): (() => void) => {
  const held = STANDARD.filter((fd) => isatty(fd));
  return () => {
    for (const fd of held) {
      closeSync(fd);
      // The lowest number that is free: this one.
      openSync('/dev/null', 'r+');
    }
  };
};
