/** What has been answered lately, so that a copy of a request is answered with the same octets and does nothing. */
export class RecentAnswers {
  private readonly most: number;
  private readonly keepMs: number;
  /** Oldest first. `answer` is undefined while the request is worked on. */
  private readonly known = new Map<string, { readonly until: number; answer: Uint8Array | undefined }>();

  /** `most` requests are remembered, each for so many ms. */
  constructor(most: number, keepMs: number) {
    this.most = most;
    this.keepMs = keepMs;
  }

  get size(): number {
    return this.known.size;
  }

  /** `new`: now it is known, and to be worked on. */
  seen(key: string, now: number): 'new' | 'in-work' | Uint8Array {
    for (const [old, { until }] of this.known) {
      if (until > now && this.known.size <= this.most) break;
      this.known.delete(old);
    }
    const found = this.known.get(key);
    if (found !== undefined) return found.answer ?? 'in-work';
    this.known.set(key, { until: now + this.keepMs, answer: undefined });
    return 'new';
  }

  answered(key: string, answer: Uint8Array): void {
    const found = this.known.get(key);
    if (found !== undefined) found.answer = answer;
  }
}
