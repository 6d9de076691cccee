/** How a stream does: `connecting` has shown nothing yet, `away` has lost the gateway and tries again. */
export type StreamState = 'connecting' | 'live' | 'away';

export interface Freshness {
  readonly isStale: boolean;
  /** Since the last news; undefined: there was none. */
  readonly seconds: number | undefined;
}

/** Three missed seconds are no hiccup any more. */
const STALE_MS = 3500;

/** Whether what is shown is of now. `at` and `now` in ms. */
export const freshness = (state: StreamState, at: number | undefined, now: number): Freshness => {
  if (at === undefined) return { isStale: state === 'away', seconds: undefined };
  const age = Math.max(0, now - at);
  return { isStale: state !== 'live' || age > STALE_MS, seconds: Math.floor(age / 1000) };
};
