import type { GatewayConfig } from '../config/types.ts';
import { type ConnectionRuleSet, ConnectionRules } from '../plugins/control-pptp/index.ts';

/** The rules of the configuration about who may connect, for `new ConnectionRules` and `ConnectionRules.update`. */
export const edgeRules = ({ listen, edge }: Pick<GatewayConfig, 'listen' | 'edge'>): ConnectionRuleSet => ({
  limits: {
    maxConnections: listen.maxConnections,
    maxConnectionsPerSource: listen.maxConnectionsPerAddress,
    maxUnproven: edge.maxUnauthenticated,
    maxUnprovenPerSource: edge.maxUnauthenticatedPerAddress,
    connectRatePerSource: edge.connectRatePerAddress,
  },
  access: edge.access,
});

export const connectionRules = (config: Pick<GatewayConfig, 'listen' | 'edge'>): ConnectionRules => {
  const { limits, access } = edgeRules(config);
  return new ConnectionRules(limits, access);
};
