import type { TunnelSummary } from '../admin/tunnel-json.ts';
import { type AdminVerbs, tableLines } from './admin.ts';

const WORKER = 'WORKER';
const HEAD = ['TUNNEL', 'STATE', 'PEER', 'USER', 'ADDRESS', 'ENCRYPTION', 'SECONDS', 'PACKETS IN', 'OUT', 'DROPPED'];

const row = (tunnel: TunnelSummary): readonly (string | number)[] => [
  tunnel.id,
  tunnel.state,
  tunnel.peer,
  tunnel.user ?? '-',
  tunnel.address ?? '-',
  tunnel.encryption,
  tunnel.seconds,
  tunnel.packetsIn,
  tunnel.packetsOut,
  tunnel.dropped,
];

/** With a column for the worker process, where there are several. */
const tunnelLines = (tunnels: readonly TunnelSummary[]): readonly string[] => {
  if (tunnels.every(({ worker }) => worker === undefined)) return tableLines(HEAD, tunnels.map(row));
  return tableLines(
    [...HEAD, WORKER],
    tunnels.map((tunnel) => [...row(tunnel), tunnel.worker ?? '-']),
  );
};

/** Adds the verb `tunnels`. */
export const addTunnelsVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const tunnels = program
    .command('tunnels')
    .description('Lists the tunnels of the running gateway.')
    .option('--json', 'one JSON document for programs');
  action(tunnels, async (gateway) => {
    const found = await gateway.get<{ readonly tunnels: readonly TunnelSummary[] }>('/v1/tunnels');
    if (tunnels.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(found, null, 2));
    else if (found.tunnels.length === 0) terminal.out('no tunnels');
    else for (const line of tunnelLines(found.tunnels)) terminal.out(line);
  });
};
