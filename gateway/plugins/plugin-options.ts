import type { LiveOptions } from '../../core/ports/live-options.ts';

/** The options of one plug-in as they are in force, with those that are told of new ones. */
export class PluginOptions<Options> implements LiveOptions<Options> {
  private inForce: Options;
  private readonly listeners: ((now: Options) => unknown)[] = [];

  constructor(start: Options) {
    this.inForce = start;
  }

  get current(): Options {
    return this.inForce;
  }

  onChange(listener: (now: Options) => unknown): void {
    this.listeners.push(listener);
  }

  /** All are told, whatever one of them does; `failed` is given what they throw, at once or as the end of a promise. */
  set(options: Options, failed: (cause: unknown) => void): void {
    this.inForce = options;
    for (const listener of this.listeners) {
      try {
        const result = listener(options);
        if (result instanceof Promise) result.catch(failed);
      } catch (cause) {
        failed(cause);
      }
    }
  }
}
