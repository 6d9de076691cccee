import { useState } from 'preact/hooks';
import type { LockLine } from '../../gateway/admin/api/operations.ts';
import { dateTime, duration } from '../model/format.ts';
import { useDesk, useMay } from '../state/desk.ts';
import { useAct } from '../state/use-act.ts';
import { useAsked } from '../state/use-asked.ts';
import { useNow } from '../state/use-now.ts';
import { ActButton } from '../ui/act-button.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { Failed } from '../ui/failed.tsx';

const LOOK_MS = 5000;

const nameOf = ({ user, source }: LockLine): string => {
  if (user === null) return source ?? 'all';
  return source === null ? user : `${user} from ${source}`;
};

const query = ({ user, source }: LockLine): string => {
  const parameters = new URLSearchParams();
  if (user !== null) parameters.set('user', user);
  if (source !== null) parameters.set('source', source);
  return parameters.toString();
};

const ClearDialog = (props: { readonly lock: LockLine; readonly onClose: () => void }) => {
  const { client } = useDesk();
  const { isBusy, problem, act } = useAct('dialog');
  const { lock, onClose } = props;
  const clear = async (): Promise<void> => {
    const done = `The lock of ${nameOf(lock)} is gone.`;
    if (await act(() => client.ask('DELETE', `/v1/locks?${query(lock)}`), done)) onClose();
  };
  return (
    <Confirm
      title={`Clear the lock of ${nameOf(lock)}?`}
      verb="Clear"
      isBusy={isBusy}
      problem={problem}
      onYes={() => void clear()}
      onNo={onClose}
    >
      <p>It may try again at once. Its wrong attempts are forgotten.</p>
    </Confirm>
  );
};

/** Who is locked out for guessing passwords. */
export const Locks = () => {
  const { client } = useDesk();
  const { why } = useMay('operate');
  const now = useNow();
  const [chosen, setChosen] = useState<LockLine>();
  const { value, error, again } = useAsked<{ readonly locks: readonly LockLine[] }>(client, '/v1/locks', LOOK_MS);
  const locks = value?.locks ?? [];
  return (
    <div class={error === undefined ? 'stack' : 'stack stale'}>
      <h1>Locks</h1>
      <p class="muted">Users and addresses that guessed wrong too often are kept out for a while.</p>
      <Failed error={error} />
      <div class="card scroll">
        <table class="table plain">
          <caption class="unseen">Locks</caption>
          <thead>
            <tr>
              <th scope="col">User</th>
              <th scope="col">Address</th>
              <th scope="col">Until</th>
              <th scope="col" class="number">
                Left
              </th>
              <th scope="col">
                <span class="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {locks.map((lock) => (
              <tr key={`${lock.what} ${lock.user} ${lock.source}`}>
                <td>{lock.user ?? <span class="muted">all</span>}</td>
                <td class="mono">{lock.source ?? <span class="muted">all</span>}</td>
                <td class="number left">{dateTime(lock.until)}</td>
                <td class="number">{duration((Date.parse(lock.until) - now) / 1000)}</td>
                <td class="end">
                  <ActButton
                    class="button small"
                    why={why}
                    label={`Clear the lock of ${nameOf(lock)}`}
                    onAct={() => setChosen(lock)}
                  >
                    Clear
                  </ActButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {locks.length === 0 && <p class="empty">{value === undefined ? 'Asking…' : 'Nobody is locked out.'}</p>}
      </div>
      {chosen !== undefined && (
        <ClearDialog
          lock={chosen}
          onClose={() => {
            setChosen(undefined);
            again();
          }}
        />
      )}
    </div>
  );
};
