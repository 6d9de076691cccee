import { fileURLToPath } from 'node:url';

/** The lab's scripts; this folder holds the addresses once more because TypeScript cannot source lab.env.sh. */
export const SCRIPTS = fileURLToPath(new URL('../lab/', import.meta.url));
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** See the drawing in ../lab/README.md. */
export const ADDRESSES = {
  gateway: '198.51.100.1',
  /** On the same interface as the first; a call to it must be answered from it (R38). */
  gatewaySecond: '198.51.100.9',
  /** Where the calls of all guests behind the NAT router come from. */
  nat: '198.51.100.60',
  natRouterInside: '192.168.50.1',
  /** Our own client, in a namespace on the WAN. */
  client: '198.51.100.70',
  intranet: '10.77.0.10',
  intranetNet: '10.77.0.0/24',
  /** poptop in a guest. */
  poptop: '198.51.100.2',
  poptopSecond: '198.51.100.3',
  poptopLan: '10.77.0.2',
  poptopPool: '10.79.0',
} as const;
