import type { AdminRoute } from '../../admin/route.ts';

interface BesidesQuery {
  readonly peer: string;
  readonly from: string;
  readonly to?: string;
}

const querystring = {
  type: 'object',
  required: ['peer', 'from'],
  properties: {
    peer: { type: 'string', maxLength: 64 },
    from: { type: 'string', format: 'date-time' },
    to: { type: 'string', format: 'date-time' },
  },
} as const;

/** Of a worker, for its supervisor: how many tunnels came from an address at some time. Other workers explain by it. */
export const besidesRoute: AdminRoute = (app, { journal, clock }) => {
  app.get<{ Querystring: BesidesQuery }>('/v1/besides', { schema: { querystring } }, ({ query }) => {
    const at = (iso: string): number => clock.now() - (Date.now() - Date.parse(iso));
    return {
      tunnels: journal.countFrom(query.peer, at(query.from), query.to === undefined ? undefined : at(query.to)),
    };
  });
};
