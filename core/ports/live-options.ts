/** Options that may become others while the gateway runs. */
export interface LiveOptions<T> {
  /** In force now: to be looked at when they are needed, not kept. A value that has not changed stays the same object. */
  readonly current: T;
  /**
   * `listener` is told of each change, for as long as the gateway runs, and returns at once. For a plug-in: what it throws is
   * in the log, and the options are in force all the same.
   */
  onChange(listener: (now: T) => void): void;
}

/** Options to be looked at as if they were plain ones: each property is what `live.current` has at that moment. */
export const optionsInForce = <Options extends object>(live: LiveOptions<Options>): Options =>
  new Proxy({ ...live.current }, { get: (_, name) => Reflect.get(live.current, name) });
