import type { GatewayConfig } from '../../../config/types.ts';

/** The ranges of the pools, by their names. */
export const poolRanges = ({ pool }: Pick<GatewayConfig, 'pool'>): ReadonlyMap<string, string> =>
  new Map([
    ['default', pool.range.text],
    ...pool.named.map(({ name, network }) => [name, network.text] as const),
    ...(pool.ipv6 === undefined ? [] : [['ipv6', pool.ipv6.text] as const]),
  ]);
