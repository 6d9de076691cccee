import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { findDefaultInterface } from './default-route.ts';

const ANY = '0.0.0.0';

/** The interface that calls to this address come in on; for every address that of the default route. */
export const outerInterface = (listen: string): string | undefined =>
  listen === ANY ? findDefaultInterface() : interfaceOf(listen);

/**
 * MTU of the interface with this address, or, when calls are taken on every address, of the default route's interface;
 * undefined when there is none.
 */
export function outerMtu(listen: string): number | undefined {
  const name = outerInterface(listen);
  if (name === undefined) return undefined;
  try {
    const mtu = Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'));
    return Number.isInteger(mtu) && mtu > 0 ? mtu : undefined;
  } catch {
    return undefined;
  }
}

const interfaceOf = (address: string): string | undefined =>
  Object.entries(networkInterfaces()).find(([, own]) => own?.some((one) => one.address === address))?.[0];
