import { duration } from '../model/format.ts';
import { freshness, type StreamState } from '../model/freshness.ts';
import { useNow } from '../state/use-now.ts';

const WORDS: Readonly<Record<StreamState, string>> = { connecting: 'connecting', live: 'live', away: 'reconnecting' };

/** Says whether what is shown is of now; not a live region, because it changes each second while the gateway is away. */
export const Fresh = (props: { readonly state: StreamState; readonly at: number | undefined }) => {
  const now = useNow();
  const { isStale, seconds } = freshness(props.state, props.at, now);
  if (!isStale) return <span class={`fresh ${props.state}`}>{WORDS[props.state]}</span>;
  const age = seconds === undefined ? '' : `, stale for ${duration(seconds)}`;
  return <span class="fresh away">{`${WORDS[props.state]}${age}`}</span>;
};
