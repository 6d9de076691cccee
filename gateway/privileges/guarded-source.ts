import type { ConnectionSource } from '../../plugins/control-pptp/index.ts';

/** Does `before` ahead of the first connection of `source`; what it throws, the start rejects with. */
export const afterwards = (source: ConnectionSource, before: () => void): ConnectionSource => ({
  get listening() {
    return source.listening;
  },
  start: async (taker, signal) => {
    before();
    await source.start(taker, signal);
  },
  stop: () => source.stop(),
});
