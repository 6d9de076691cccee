import { useState } from 'preact/hooks';
import type { ConfigLine } from '../../gateway/admin/api/operations.ts';
import { NOTHING } from '../model/format.ts';
import { useDesk } from '../state/desk.ts';
import { useAsked } from '../state/use-asked.ts';
import { Failed } from '../ui/failed.tsx';

const LOOK_MS = 5000;

const isDefault = ({ origin }: ConfigLine): boolean => origin === 'default';

const fits = (line: ConfigLine, search: string): boolean =>
  [line.key, line.env ?? '', line.value, line.origin].some((text) => text.toLowerCase().includes(search));

/** Each setting, where it comes from, and whether a reload is enough to change it. Secrets come masked. */
export const Configuration = () => {
  const { client } = useDesk();
  const { value, error } = useAsked<{ readonly config: readonly ConfigLine[] }>(client, '/v1/config', LOOK_MS);
  const [search, setSearch] = useState('');
  const [isOwn, setOwn] = useState(false);
  const all = value?.config ?? [];
  const needle = search.trim().toLowerCase();
  const lines = all.filter((line) => fits(line, needle) && !(isOwn && isDefault(line)));
  return (
    <div class={error === undefined ? 'stack' : 'stack stale'}>
      <h1>Configuration</h1>
      <Failed error={error} />
      <search class="row">
        <input
          class="input search"
          type="search"
          aria-label="Search in the configuration"
          placeholder="Name, value or origin"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <label class="check">
          <input type="checkbox" checked={isOwn} onChange={(event) => setOwn(event.currentTarget.checked)} /> without
          defaults
        </label>
        <span class="muted small">
          {lines.length} of {all.length}
        </span>
      </search>
      <div class="card scroll">
        <table class="table plain">
          <caption class="unseen">Settings in force</caption>
          <thead>
            <tr>
              <th scope="col">Setting</th>
              <th scope="col">Value</th>
              <th scope="col">Origin</th>
              <th scope="col">Changed by</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={line.key}>
                <th scope="row">
                  <span class="mono">{line.key}</span>
                  <div class="muted small mono">{line.env}</div>
                </th>
                <td class="mono wrap">{line.value === '' ? NOTHING : line.value}</td>
                <td class={isDefault(line) ? 'muted' : ''}>{line.origin}</td>
                <td class="muted">{line.reload ? 'reload' : 'restart'}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {lines.length === 0 && <p class="empty">{value === undefined ? 'Asking…' : 'Nothing fits.'}</p>}
      </div>
    </div>
  );
};
