import type { GatewayConfig } from '../../config/types.ts';
import type { LogLevels } from '../../observability/log-levels.ts';
import type { Gateway, LiveGatewayOptions } from '../bootstrap.ts';
import { controlOptions } from '../builtin-plugins.ts';
import { edgeRules } from '../edge.ts';
import { gatewayOptions } from '../options.ts';
import type { Shard } from '../workers/shard.ts';
import type { LifeBody } from './gateway-life.ts';
import type { LiveValue } from './live-value.ts';

/** What of a configuration can come into force while the gateway runs. */
export const liveOptions = (config: GatewayConfig, shard?: Shard): LiveGatewayOptions => {
  const { dataPath, session } = gatewayOptions(config, shard);
  return { dataPath, session, connections: { ...controlOptions(config), ruleSet: edgeRules(config) } };
};

export interface LiveParts {
  readonly live: LiveValue<LiveGatewayOptions>;
  readonly levels: LogLevels;
  readonly shard?: Shard | undefined;
}

/** A gateway of this process, as its life sees it. */
export const gatewayBody = (gateway: Gateway, parts?: LiveParts): LifeBody => ({
  sessions: gateway.sessions,
  isEmpty: () => gateway.sessions() === 0,
  isWell: () => true,
  onFewer: (listener) => gateway.onTunnelEnd(() => listener()),
  refuseCalls: () => gateway.refuseCalls(),
  acceptCalls: () => gateway.acceptCalls(),
  endTunnels: (reason, detail) => gateway.hangUpAll(reason, detail),
  prepare: async (config, by) => {
    if (parts === undefined) return () => undefined;
    const { live, levels, shard } = parts;
    const next = liveOptions(config, shard);
    gateway.check(next);
    const settings = await gateway.prepareSettings(config.pluginOptions);
    return () => {
      live.set(next);
      settings();
      levels.reconfigure(config.log.level, by);
    };
  },
});
