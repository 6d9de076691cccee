import { AdminError, type AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { TUNNEL, TUNNELS } from '../specs/tunnels.ts';
import { type TunnelDetail, type TunnelSummary, tunnelDetail, tunnelSummary } from '../tunnel-json.ts';

export const tunnelsRoute: AdminRoute = (app, { gateway, clock }) => {
  app.route({
    ...fromSpec(TUNNELS),
    handler: (): { readonly tunnels: readonly TunnelSummary[] } => ({
      tunnels: gateway.tunnels().map((view) => tunnelSummary(view, clock)),
    }),
  });
  app.route<{ Params: { readonly id: string } }>({
    ...fromSpec(TUNNEL),
    handler: (request): TunnelDetail => {
      const { id } = request.params;
      const view = gateway.tunnels().find(({ session }) => session.id === id);
      if (view === undefined) throw new AdminError(404, 'NO_TUNNEL', `There is no tunnel ${id}.`);
      return tunnelDetail(view, clock);
    },
  });
};
