import { useEffect, useRef, useState } from 'preact/hooks';
import type { SessionState, SessionsPage } from '../../../gateway/admin/api/sessions.ts';
import { move, settle } from '../../model/paging.ts';
import { streamPath } from '../../model/session-query.ts';
import { choose } from '../../model/sorting.ts';
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

/** All sessions, a page at a time, new each second. The gateway sorts, searches and counts. */
export const Sessions = () => {
  const { client, list, tell } = useDesk();
  const { why } = useMay('operate');
  const [sorting, setSorting] = useState(list.current.sorting);
  const [place, setPlace] = useState(list.current.place);
  const [search, setSearch] = useState(list.current.search);
  const [state, setState] = useState<SessionState | undefined>(list.current.state);
  const [kicked, setKicked] = useState<Kicked>();
  const searched = useSettled(search, TYPING_MS);
  const searchBox = useRef<HTMLInputElement>(null);
  const wanted = streamPath({ sorting, offset: place.offset, limit: place.limit, search: searched, state });
  const page = useStream<SessionsPage>(client, wanted, 'sessions');
  const total = page.value?.total ?? 0;
  const rows = page.value?.sessions ?? [];
  // Until the page comes that was turned to, the cursor stands on no row: those of the one before are others.
  const row = page.path === wanted ? place.row : -1;
  const current = rows[row];
  useEffect(() => {
    list.current = { sorting, place, search, state };
  }, [list, sorting, place, search, state]);
  useEffect(() => {
    if (page.value !== undefined && page.path === wanted) setPlace((now) => settle(now, total));
  }, [page.value, page.path, wanted, total]);
  const toStart = (): void => setPlace((now) => ({ ...now, offset: 0, row: -1 }));
  useKeys((key, target) => {
    const isButton = target instanceof Element && target.closest('button, a, summary') !== null;
    const step = stepOf(key);
    if (step !== undefined) {
      // Enter is for the row now, and not for the button that was pressed last.
      if (isButton && target instanceof HTMLElement) target.blur();
      setPlace(move(place, step, total));
    } else if (key === '/') searchBox.current?.focus();
    else if (key === 'Enter' && !isButton && current !== undefined) goTo({ view: 'session', id: current.id });
    else if (key === 'x' && current !== undefined) {
      if (why === undefined) setKicked(current);
      else tell(why, 'bad');
    } else return false;
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
        offset={page.value?.offset ?? 0}
        current={row}
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
