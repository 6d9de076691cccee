import { readFileSync } from 'node:fs';

/**
 * The interface of the IPv4 default route with the lowest metric, from the text of /proc/net/route (columns: interface,
 * destination, gateway, flags, reference count, use, metric, mask; numbers in hexadecimal but the metric).
 */
export function defaultRouteInterface(table: string): string | undefined {
  let best: { readonly name: string; readonly metric: number } | undefined;
  for (const line of table.split('\n').slice(1)) {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    const up = (Number.parseInt(flags ?? '0', 16) & 1) === 1;
    if (name === undefined || destination !== '00000000' || mask !== '00000000' || !up) continue;
    const weight = Number(metric);
    if (best === undefined || weight < best.metric) best = { name, metric: weight };
  }
  return best?.name;
}

export function findDefaultInterface(): string | undefined {
  try {
    return defaultRouteInterface(readFileSync('/proc/net/route', 'utf8'));
  } catch {
    return undefined;
  }
}
