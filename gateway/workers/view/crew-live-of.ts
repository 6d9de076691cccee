import type { Crew } from './crew.ts';
import { CrewLive } from './crew-live.ts';
import type { ViewDeps } from './view-route.ts';

const KNOWN = new WeakMap<Crew, CrewLive>();

/** The live data of all workers; one for all routes. */
export const crewLiveOf = ({ crew, clock, counts, life }: ViewDeps): CrewLive => {
  const known = KNOWN.get(crew);
  if (known !== undefined) return known;
  const live = new CrewLive({ crew, clock, counts, life });
  KNOWN.set(crew, live);
  return live;
};
