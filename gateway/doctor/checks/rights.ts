import type { GatewayConfig } from '../../../config/types.ts';
import { type Finding, reporter } from '../finding.ts';

export interface RightsFacts {
  readonly isRoot: boolean;
  /** Effective capabilities as a bit set; undefined where /proc does not say. */
  readonly capabilities: bigint | undefined;
}

const { ok, fail } = reporter('rights');

const NET_BIND_SERVICE = ['NET_BIND_SERVICE', 10n] as const;
const NET_ADMIN = ['NET_ADMIN', 12n] as const;
const NET_RAW = ['NET_RAW', 13n] as const;
const FIRST_FREE_PORT = 1024;

/** TUN and the host network, raw sockets, and a port below 1024. */
export const checkRights = (
  { isRoot, capabilities }: RightsFacts,
  { listen, edge }: Pick<GatewayConfig, 'listen'> & { readonly edge: Pick<GatewayConfig['edge'], 'runAs'> },
): readonly Finding[] => {
  const needed = [NET_ADMIN, NET_RAW, ...(listen.port < FIRST_FREE_PORT ? [NET_BIND_SERVICE] : [])];
  const missing = needed
    .filter(([, bit]) => (capabilities === undefined ? !isRoot : ((capabilities >> bit) & 1n) === 0n))
    .map(([name]) => name);
  if (missing.length === 0) {
    const hint = isRoot && edge.runAs === undefined ? ' PPTP_RUN_AS=user keeps these alone once it is set up.' : '';
    return [ok(`${needed.map(([name]) => `CAP_${name}`).join(', ')}: all there.${hint}`)];
  }
  const advice = isRoot
    ? `Start the container with ${missing.map((name) => `--cap-add ${name}`).join(' ')}.`
    : 'Run it as root, or give the process these capabilities (systemd: AmbientCapabilities=).';
  return [
    fail(
      `${missing.map((name) => `CAP_${name}`).join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing.`,
      advice,
    ),
  ];
};
