import type { PluginLine } from '../api/operations.ts';
import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { PLUGINS } from '../specs/operations.ts';

export const pluginsRoute: AdminRoute = (app, { gateway }) => {
  app.route({
    ...fromSpec(PLUGINS),
    handler: (): { readonly plugins: readonly PluginLine[] } => ({ plugins: gateway.plugins }),
  });
};
