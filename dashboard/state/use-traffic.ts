import { useEffect, useRef, useState } from 'preact/hooks';
import type { Stats, StatsHistory } from '../../gateway/admin/api/stats.ts';
import type { Client } from '../api/client.ts';
import { append, EMPTY, fill, type Series } from '../model/history.ts';

/** How far back news reach. */
const NEWS = 10;

/** The plot of all traffic: what the gateway remembers, then each second; and the statistics of some seconds ago. */
export const useTraffic = (
  client: Client,
  stats: Stats | undefined,
  comebacks: number,
): { readonly traffic: Series; readonly before: Stats | undefined } => {
  const [traffic, setTraffic] = useState<Series>(EMPTY);
  const past = useRef<Stats[]>([]);
  useEffect(() => {
    let isOver = false;
    client.ask<StatsHistory>('GET', '/v1/stats/history').then(
      ({ stepSeconds, points }) => {
        if (!isOver) setTraffic((series) => fill(series, points, stepSeconds));
      },
      // The plot has what was seen, then.
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [client, comebacks]);
  useEffect(() => {
    if (stats === undefined) return;
    past.current = [...past.current.slice(-NEWS), stats];
    const { rateIn, rateOut } = stats.traffic;
    setTraffic((series) => append(series, { at: Date.parse(stats.at), rateIn, rateOut }));
  }, [stats]);
  return { traffic, before: past.current[0] };
};
