import type { AuditEntry } from '../admin/api/operations.ts';
import { type AdminVerbs, queryOf } from './running-gateway.ts';
import { type Column, tableOf } from './table.ts';
import { wholeNumber } from './units.ts';

const targetText = ({ target }: AuditEntry): string =>
  Object.entries(target)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'AT', cell: ({ at }) => at },
  { title: 'ACTION', cell: ({ action }) => action },
  { title: 'OUTCOME', cell: ({ outcome }) => outcome },
  { title: 'WHO', cell: ({ actor, role }) => (role === null ? actor : `${actor} (${role})`) },
  { title: 'FROM', cell: ({ from }) => from },
  { title: 'WHAT', cell: (entry) => [targetText(entry), entry.detail ?? ''].filter((part) => part !== '').join('; ') },
];

const DEFAULT_LIMIT = 50;

/** Adds the verb `audit`. */
export const addAuditVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('audit')
    .description('Shows what was changed on the running gateway and who did it, the newest first.')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 1000), DEFAULT_LIMIT)
    .option('--action <name>', 'only of this action (session.disconnect)')
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway) => {
    const { limit, action: only, json } = verb.opts<{ limit: number; action?: string; json?: true }>();
    const found = await gateway.get<{ readonly entries: readonly AuditEntry[] }>(
      `/v1/audit${queryOf({ limit, action: only })}`,
    );
    if (json === true) terminal.out(JSON.stringify(found, null, 2));
    else if (found.entries.length === 0) terminal.out('nothing is on record');
    else for (const line of tableOf(COLUMNS, found.entries)) terminal.out(line);
  });
};
