import type { PluginLine } from '../admin/api/operations.ts';
import type { Claims } from './bindings.ts';
import type { PluginSource } from './plugin-source.ts';
import { isGatewayToken, tokenName } from './tokens-of-plugins.ts';

const placeOf = ({ kind, specifier }: PluginSource): string =>
  kind === 'package' || kind === 'path' ? (specifier ?? kind) : kind;

/** What plug-ins are and bring, for operators; what another one took the place of is left out. */
export const pluginLines = ({ plugins, claims }: Claims): readonly PluginLine[] =>
  plugins.map((plugin) => ({
    name: plugin.name,
    source: placeOf(plugin.source),
    binds: [
      ...new Set(
        claims
          .filter((claim) => claim.plugin === plugin && claim.replacedBy === undefined && isGatewayToken(claim.token))
          .map(({ token }) => tokenName(token)),
      ),
    ],
  }));
