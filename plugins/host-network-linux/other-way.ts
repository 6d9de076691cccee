/** A route of the host to another device. */
export interface OtherWay {
  readonly network: string;
  readonly device: string;
}

/**
 * Reads `ip -j route show match NETWORK`: a route to just this network, whatever its metric, or a network that the host is
 * itself on and that this one is a part of: its neighbours must not be taken away. Routers elsewhere may have ways to a
 * larger one. Undefined when there is none, or it is no such text.
 */
export const otherWay = (json: string, network: string, ours: string): OtherWay | undefined => {
  const exact = network.replace(/\/(32|128)$/, '');
  return routesOf(json)
    .filter(({ device }) => device !== ours)
    .find((way) => way.network === exact || (way.isConnected && way.network !== 'default'));
};

interface Way extends OtherWay {
  readonly isConnected: boolean;
}

const routesOf = (json: string): readonly Way[] => {
  let tree: unknown;
  try {
    tree = JSON.parse(json);
  } catch {
    return [];
  }
  return Array.isArray(tree) ? tree.map(wayOf).filter((way) => way !== undefined) : [];
};

const wayOf = (value: unknown): Way | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { dst, dev, protocol } = Object.fromEntries(Object.entries(value));
  if (typeof dst !== 'string' || typeof dev !== 'string') return undefined;
  return { network: dst, device: dev, isConnected: protocol === 'kernel' };
};
