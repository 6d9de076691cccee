import type { Gateway } from '../../bootstrap.ts';
import type { AdminDeps } from '../route.ts';
import { LocalLive } from './local-live.ts';
import { poolRanges } from './pool-ranges.ts';

const KNOWN = new WeakMap<Gateway, LocalLive>();

/** The live data of a gateway; one for all routes. */
export const liveOf = ({ gateway, clock, counts, config, life }: AdminDeps): LocalLive => {
  const known = KNOWN.get(gateway);
  if (known !== undefined) return known;
  const live = new LocalLive({ gateway, clock, counts, ranges: poolRanges(config), life });
  KNOWN.set(gateway, live);
  return live;
};
