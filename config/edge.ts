import { parseAccessNetwork, readAccess } from './access.ts';
import type { EdgeConfig, Ipv4Network, RawConfig } from './types.ts';

/** Added to what one address may have at once: those behind one NAT may come back together. */
const SPARE_CONNECTIONS_A_MINUTE = 60;
/** What a client needs to ask for its call is a second; a person who looks at a dialog asks for nothing. */
const IDLE_SECONDS = 60;

const networksOf = (texts: readonly string[]): Ipv4Network[] =>
  texts.map(parseAccessNetwork).filter((network) => network !== undefined);

/** Works out what is `auto`, and reads the file of lists. The mistakes are sentences about `edge.accessFile`. */
export const resolveEdge = ({
  edge,
  listen,
  calls,
}: Pick<RawConfig, 'edge' | 'listen' | 'calls'>): {
  readonly edge: EdgeConfig;
  readonly mistakes: readonly string[];
} => {
  const file = edge.accessFile === 'none' ? undefined : readAccess(edge.accessFile);
  const or = (value: number | 'auto', otherwise: number): number => (value === 'auto' ? otherwise : value);
  const { allowFrom, denyFrom, runAs, ...rest } = edge;
  return {
    mistakes: file?.mistakes ?? [],
    edge: {
      ...rest,
      maxUnauthenticated: or(edge.maxUnauthenticated, listen.maxConnections),
      maxUnauthenticatedPerAddress: or(edge.maxUnauthenticatedPerAddress, listen.maxConnectionsPerAddress),
      connectRatePerAddress: or(
        edge.connectRatePerAddress,
        listen.maxConnectionsPerAddress + SPARE_CONNECTIONS_A_MINUTE,
      ),
      idleTimeout: or(edge.idleTimeout, calls.acceptIncoming ? 0 : IDLE_SECONDS),
      access: {
        allow: [...networksOf(allowFrom), ...(file?.allow ?? [])],
        deny: [...networksOf(denyFrom), ...(file?.deny ?? [])],
      },
      runAs: runAs === 'none' ? undefined : runAs,
    },
  };
};
