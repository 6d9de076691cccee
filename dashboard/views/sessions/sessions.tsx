import { useEffect, useRef, useState } from 'preact/hooks';
import type { SessionState, SessionsPage } from '../../../gateway/admin/api/sessions.ts';
import { move, type Place, settle } from '../../model/paging.ts';
import { streamPath } from '../../model/session-query.ts';
import { choose, type Sorting } from '../../model/sorting.ts';
import { stepOf } from '../../model/steps.ts';
import { useDesk, useMay } from '../../state/desk.ts';
import { useKeys } from '../../state/use-keys.ts';
import { goTo } from '../../state/use-route.ts';
import { useSettled } from '../../state/use-settled.ts';
import { useStream } from '../../state/use-stream.ts';
import { Failed } from '../../ui/failed.tsx';
import { Fresh } from '../../ui/fresh.tsx';
import { Notice } from '../../ui/notice.tsx';
import { KickDialog, type Kicked } from '../kick.tsx';
import { SessionFilter } from './filter.tsx';
import { Pager } from './pager.tsx';
import { SessionTable } from './table.tsx';

const TYPING_MS = 250;
const FIRST: Place = { offset: 0, limit: 100, row: -1 };

/** All sessions, a page at a time, new each second. The gateway sorts, searches and counts. */
export const Sessions = () => {
  const { client } = useDesk();
  const { may } = useMay('operate');
  const [sorting, setSorting] = useState<Sorting>({ column: 'openedAt', descending: true });
  const [place, setPlace] = useState(FIRST);
  const [search, setSearch] = useState('');
  const [state, setState] = useState<SessionState>();
  const [kicked, setKicked] = useState<Kicked>();
  const searched = useSettled(search, TYPING_MS);
  const searchBox = useRef<HTMLInputElement>(null);
  const wanted = { sorting, offset: place.offset, limit: place.limit, search: searched, state };
  const page = useStream<SessionsPage>(client, streamPath(wanted), 'sessions');
  const total = page.value?.total ?? 0;
  const rows = page.value?.sessions ?? [];
  const current = rows[place.row];
  useEffect(() => {
    if (page.value !== undefined) setPlace((now) => settle(now, page.value?.total ?? 0));
  }, [page.value]);
  const toStart = (): void => setPlace((now) => ({ ...now, offset: 0, row: -1 }));
  useKeys((key, target) => {
    const isButton = target instanceof Element && target.closest('button, a, summary') !== null;
    const step = stepOf(key);
    if (step !== undefined) setPlace(move(place, step, total));
    else if (key === '/') searchBox.current?.focus();
    else if (key === 'Enter' && !isButton && current !== undefined) goTo({ view: 'session', id: current.id });
    else if (key === 'x' && may && current !== undefined) setKicked(current);
    else return false;
    return true;
  });
  return (
    <div class={page.state === 'live' ? 'stack' : 'stack stale'}>
      <div class="row between">
        <h1>Sessions</h1>
        <Fresh state={page.state} at={page.at} />
      </div>
      <SessionFilter
        box={searchBox}
        search={search}
        state={state}
        onSearch={(text) => {
          setSearch(text);
          toStart();
        }}
        onState={(one) => {
          setState(one);
          toStart();
        }}
      />
      <Failed error={page.error} />
      {page.value?.missing !== undefined && (
        <Notice kind="info">No answer from worker {page.value.missing.join(', ')}: its sessions are not here.</Notice>
      )}
      <SessionTable
        rows={rows}
        place={place}
        total={total}
        sorting={sorting}
        isKnown={page.value !== undefined}
        onSort={(column) => {
          setSorting(choose(sorting, column));
          toStart();
        }}
        onKick={setKicked}
      />
      <Pager place={place} total={total} onPlace={setPlace} />
      {kicked !== undefined && <KickDialog session={kicked} onClose={() => setKicked(undefined)} />}
    </div>
  );
};
