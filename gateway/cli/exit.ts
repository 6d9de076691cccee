import { CommanderError } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import { AdminRefusal } from '../admin/refusal.ts';

/** What a verb ends with; docs/cli.md lists them with `EXIT_MEANINGS`. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, refused: 4, interrupted: 130 } as const;

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  failed: 'you have to change something; a line on standard error says what',
  usage: 'wrong usage: no such verb, flag or value',
  unreachable: 'no gateway answers, or not in time',
  refused: 'the gateway or server refuses it: it does not let this caller do that, or cannot do it now',
  interrupted: 'interrupted (Ctrl-C) before it was done',
};

/** The person at the terminal has had enough. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Statuses with which a gateway says that it will not, as against those that say that the request makes no sense. */
const UNWILLING: ReadonlySet<number> = new Set([401, 403, 409, 423, 429, 503]);

const ofGatewayError = (error: GatewayError): number => {
  if (error instanceof AdminRefusal) return UNWILLING.has(error.status) ? EXIT.refused : EXIT.failed;
  if (error.code === 'DIAL_UNAVAILABLE') return EXIT.refused;
  return error.code === 'ADMIN_UNREACHABLE' ? EXIT.unreachable : EXIT.failed;
};

/** The exit code of a verb that threw this. */
export const exitOf = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof Interrupted) return EXIT.interrupted;
  return error instanceof GatewayError ? ofGatewayError(error) : EXIT.failed;
};
