import type { AuditEntry } from '../../gateway/admin/api/operations.ts';
import { dateTime, NOTHING } from '../model/format.ts';
import { useDesk } from '../state/desk.ts';
import { useAsked } from '../state/use-asked.ts';
import { Failed } from '../ui/failed.tsx';

const LOOK_MS = 5000;

const target = ({ target }: AuditEntry): string =>
  Object.entries(target)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Who changed what, newest first. */
export const Audit = () => {
  const { client } = useDesk();
  const { value, error } = useAsked<{ readonly entries: readonly AuditEntry[] }>(
    client,
    '/v1/audit?limit=200',
    LOOK_MS,
  );
  const entries = value?.entries ?? [];
  return (
    <div class={error === undefined ? 'stack' : 'stack stale'}>
      <h1>Audit</h1>
      <Failed error={error} />
      <div class="card scroll">
        <table class="table plain">
          <caption class="unseen">Changes, and attempts that were refused, newest first</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Action</th>
              <th scope="col">Outcome</th>
              <th scope="col">About</th>
              <th scope="col">Who</th>
              <th scope="col">Role</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry, index) => (
              <tr key={`${entry.at} ${index}`}>
                <td class="number left">{dateTime(entry.at)}</td>
                <td class="mono">{entry.action}</td>
                <td>
                  <span class={`state ${entry.outcome}`}>{entry.outcome}</span>
                </td>
                <td>
                  {target(entry)}
                  {entry.detail !== null && <div class="muted">{entry.detail}</div>}
                </td>
                <td>{entry.actor}</td>
                <td>{entry.role ?? NOTHING}</td>
                <td class="mono">{entry.from}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {entries.length === 0 && <p class="empty">{value === undefined ? 'Asking…' : 'Nothing was changed yet.'}</p>}
      </div>
    </div>
  );
};
