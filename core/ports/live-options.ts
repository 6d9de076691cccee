/** Options that may become others while the gateway runs. */
export interface LiveOptions<T> {
  readonly current: T;
  /** `listener` is told of each change, for as long as the gateway runs. */
  onChange(listener: (now: T) => void): void;
}
