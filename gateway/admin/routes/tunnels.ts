import { AdminError, type AdminRoute } from '../route.ts';
import { type TunnelDetail, type TunnelSummary, tunnelDetail, tunnelSummary } from '../tunnel-json.ts';

export const tunnelsRoute: AdminRoute = (app, { gateway, clock }) => {
  app.get('/v1/tunnels', (): { readonly tunnels: readonly TunnelSummary[] } => ({
    tunnels: gateway.tunnels().map((view) => tunnelSummary(view, clock)),
  }));
  app.get<{ Params: { readonly id: string } }>('/v1/tunnels/:id', (request): TunnelDetail => {
    const { id } = request.params;
    const view = gateway.tunnels().find(({ session }) => session.id === id);
    if (view === undefined) throw new AdminError(404, 'NO_TUNNEL', `There is no tunnel ${id}.`);
    return tunnelDetail(view, clock);
  });
};
