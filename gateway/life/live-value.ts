import type { LiveOptions } from '../../core/ports/live-options.ts';

/** Options with the one who changes them. */
export class LiveValue<T> implements LiveOptions<T> {
  private value: T;
  private readonly listeners: ((now: T) => void)[] = [];

  constructor(value: T) {
    this.value = value;
  }

  get current(): T {
    return this.value;
  }

  onChange(listener: (now: T) => void): void {
    this.listeners.push(listener);
  }

  set(value: T): void {
    this.value = value;
    for (const listener of this.listeners) listener(value);
  }
}
