import type { Command } from 'commander';
import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import { type AdminReply, type AdminRequest, adminRequest } from '../admin/client.ts';
import { MISSING_HEADER } from '../admin/headers.ts';
import type { CliTerminal } from './password.ts';

/** A running gateway, as a verb asks it. */
export interface RunningGateway {
  /** Rejects with ADMIN_UNREACHABLE or ADMIN_REFUSED. */
  request(request: AdminRequest): Promise<AdminReply>;
  /** `GET path` as JSON. */
  get<T>(path: string): Promise<T>;
}

/** `warn` is told when worker processes are missing from an answer. */
export const runningGateway = (
  { admin }: Pick<GatewayConfig, 'admin'>,
  warn: (line: string) => void = () => undefined,
): RunningGateway => {
  const { socket } = admin;
  if (socket === undefined) {
    throw new GatewayError('ADMIN_UNREACHABLE', 'the admin socket is switched off: PPTP_ADMIN_SOCKET is off.');
  }
  const request = async (order: AdminRequest): Promise<AdminReply> => {
    const reply = await adminRequest(socket, order);
    const missing = reply.headers[MISSING_HEADER];
    if (missing !== undefined) warn(`warning: no answer from worker ${String(missing)}: what follows lacks its part`);
    return reply;
  };
  return { request, get: async <T>(path: string) => (await request({ method: 'GET', path })).json<T>() };
};

/** `action` wraps a verb: it loads the configuration, finds the gateway and maps errors to exit codes (0 when done). */
export type AdminAction = (
  command: Command,
  work: (gateway: RunningGateway, ...args: readonly string[]) => Promise<void>,
) => Command;

/** What a file that adds verbs is given. */
export interface AdminVerbs {
  readonly program: Command;
  readonly terminal: CliTerminal;
  readonly action: AdminAction;
}

/** Lines of a table for people: columns as wide as they need to be, numbers to the right. */
export const tableLines = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] => {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
};
