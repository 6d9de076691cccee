/**
 * Deadlines of many keys in one binary heap: the single timer structure of a process (a tunnel costs an entry, not a
 * timer). Setting, moving and removing a deadline take O(log n).
 */
interface Entry<K> {
  readonly key: K;
  at: number;
  index: number;
}

export class DeadlineHeap<K> {
  private readonly heap: Entry<K>[] = [];
  private readonly entries = new Map<K, Entry<K>>();

  get size(): number {
    return this.heap.length;
  }

  /** The earliest deadline of all. */
  get earliest(): number | undefined {
    return this.heap[0]?.at;
  }

  at(key: K): number | undefined {
    return this.entries.get(key)?.at;
  }

  set(key: K, at: number): void {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      const made = { key, at, index: this.heap.length };
      this.heap.push(made);
      this.entries.set(key, made);
      this.up(made);
    } else if (entry.at !== at) {
      entry.at = at;
      this.up(entry);
      this.down(entry);
    }
  }

  remove(key: K): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    const last = this.heap.pop();
    if (last === undefined || last === entry) return;
    this.place(last, entry.index);
    this.up(last);
    this.down(last);
  }

  /** Takes out and returns a key whose deadline is not after `now`. */
  takeDue(now: number): K | undefined {
    const first = this.heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.remove(first.key);
    return first.key;
  }

  private place(entry: Entry<K>, index: number): void {
    this.heap[index] = entry;
    entry.index = index;
  }

  private up(entry: Entry<K>): void {
    while (entry.index > 0) {
      const parentIndex = (entry.index - 1) >> 1;
      const parent = this.heap[parentIndex];
      if (parent === undefined || parent.at <= entry.at) return;
      this.place(parent, entry.index);
      this.place(entry, parentIndex);
    }
  }

  private down(entry: Entry<K>): void {
    for (;;) {
      const left = this.heap[2 * entry.index + 1];
      const right = this.heap[2 * entry.index + 2];
      const least = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (least === undefined || least.at >= entry.at) return;
      const index = least.index;
      this.place(least, entry.index);
      this.place(entry, index);
    }
  }
}
