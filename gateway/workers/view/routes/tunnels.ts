import { TUNNEL, TUNNELS } from '../../../admin/specs/tunnels.ts';
import type { TunnelDetail, TunnelSummary } from '../../../admin/tunnel-json.ts';
import { everyWorker, type Part, type ViewRoute } from '../view-route.ts';

interface TunnelsAnswer {
  readonly tunnels: readonly TunnelSummary[];
}

/** In the order of their beginning, as one worker lists its own. */
const allTunnels = (parts: readonly Part<TunnelsAnswer>[]): TunnelsAnswer => ({
  tunnels: parts
    .flatMap(({ worker, body }) => body.tunnels.map((tunnel) => ({ ...tunnel, worker })))
    .toSorted((a, b) => Date.parse(a.openedAt) - Date.parse(b.openedAt)),
});

/** Ids are of one worker only. */
const theTunnel = ([part]: readonly Part<TunnelDetail>[]): object => ({ ...part?.body, worker: part?.worker });

export const tunnelViews: readonly ViewRoute[] = [everyWorker(TUNNELS, allTunnels), everyWorker(TUNNEL, theTunnel)];
