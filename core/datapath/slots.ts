declare const held: unique symbol;

/** A place for a stage's per-session state of type T; made once per stage, at module load. */
export interface Slot<T> {
  readonly name: string;
  readonly index: number;
  readonly [held]?: T;
}

/** How many there are: one number for all copies of this module, since a plug-in may have brought a copy of its own. */
const slots: { count: number } = (() => {
  const key = Symbol.for('pptp-gateway/slots');
  const shared: unknown = Reflect.get(globalThis, key);
  if (isCounter(shared)) return shared;
  const fresh = { count: 0 };
  Reflect.set(globalThis, key, fresh);
  return fresh;
})();

function isCounter(value: unknown): value is { count: number } {
  return typeof value === 'object' && value !== null && 'count' in value && typeof value.count === 'number';
}

export const defineSlot = <T>(name: string): Slot<T> => {
  const index = slots.count;
  slots.count += 1;
  return { name, index };
};

/** Slot values of one session. Only `defineSlot` makes slots, so the type of an index is always the slot's. */
export class SlotTable {
  /** As many as there are, without room to grow: there are very many sessions. */
  private readonly values = new Array<unknown>(slots.count).fill(undefined);

  get<T>(slot: Slot<T>): T | undefined {
    return this.values[slot.index] as T | undefined;
  }

  set<T>(slot: Slot<T>, value: T | undefined): void {
    this.values[slot.index] = value;
  }
}
