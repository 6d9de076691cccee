import type { AdminRoute } from '../../admin/route.ts';
import { fromSpec } from '../../admin/spec.ts';
import { BESIDES } from '../../admin/specs/besides.ts';

interface BesidesQuery {
  readonly peer: string;
  readonly from: string;
  readonly to?: string;
}

/** Of a worker, for its supervisor: how many tunnels came from an address at some time. Other workers explain by it. */
export const besidesRoute: AdminRoute = (app, { journal, clock }) => {
  app.route<{ Querystring: BesidesQuery }>({
    ...fromSpec(BESIDES),
    handler: ({ query }) => {
      const at = (iso: string): number => clock.now() - (Date.now() - Date.parse(iso));
      return {
        tunnels: journal.countFrom(query.peer, at(query.from), query.to === undefined ? undefined : at(query.to)),
      };
    },
  });
};
