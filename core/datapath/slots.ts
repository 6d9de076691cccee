declare const held: unique symbol;

/** A place for a stage's per-session state of type T; made once per stage, at module load. */
export interface Slot<T> {
  readonly name: string;
  readonly index: number;
  readonly [held]?: T;
}

let next = 0;
export const defineSlot = <T>(name: string): Slot<T> => {
  const index = next;
  next += 1;
  return { name, index };
};

/** Slot values of one session. Only `defineSlot` makes slots, so the type of an index is always the slot's. */
export class SlotTable {
  /** As many as there are, without room to grow: there are very many sessions. */
  private readonly values = new Array<unknown>(next).fill(undefined);

  get<T>(slot: Slot<T>): T | undefined {
    return this.values[slot.index] as T | undefined;
  }

  set<T>(slot: Slot<T>, value: T | undefined): void {
    this.values[slot.index] = value;
  }
}
