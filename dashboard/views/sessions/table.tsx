import { useEffect, useRef } from 'preact/hooks';
import type { SessionRow, SessionSort } from '../../../gateway/admin/api/sessions.ts';
import { COLUMNS, type Column } from '../../model/columns.ts';
import { formatRoute } from '../../model/route.ts';
import { ariaSort, type Sorting } from '../../model/sorting.ts';
import { useMay } from '../../state/desk.ts';
import { ActButton } from '../../ui/act-button.tsx';

const classOf = ({ isNumber, isExtra }: Column): string => `${isNumber ? 'number' : ''} ${isExtra ? 'extra' : ''}`;

const Head = (props: {
  readonly column: Column;
  readonly sorting: Sorting;
  readonly onSort: (column: SessionSort) => void;
}) => {
  const { column, sorting } = props;
  const sorted = ariaSort(sorting, column.sort);
  const sign = sorted === 'ascending' ? '▲' : '▼';
  return (
    <th scope="col" class={classOf(column)} aria-sort={sorted}>
      <button type="button" class="sort" onClick={() => props.onSort(column.sort)}>
        {column.title}
        <span class="sort-sign" aria-hidden="true">
          {sorted === 'none' ? '' : sign}
        </span>
      </button>
    </th>
  );
};

const Cell = (props: { readonly column: Column; readonly row: SessionRow }) => {
  const { column, row } = props;
  const text = column.text(row);
  if (column.sort === 'user') {
    return (
      <th scope="row" class="user">
        <a title={text} href={formatRoute({ view: 'session', id: row.id })}>
          {text}
        </a>
      </th>
    );
  }
  if (column.sort === 'state') {
    return (
      <td>
        <span class={`state ${row.state}`}>{text}</span>
      </td>
    );
  }
  return <td class={classOf(column)}>{text}</td>;
};

const Line = (props: {
  readonly row: SessionRow;
  readonly index: number;
  readonly isCurrent: boolean;
  readonly why: string | undefined;
  readonly onKick: (row: SessionRow) => void;
}) => {
  const { row, isCurrent } = props;
  const line = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isCurrent) line.current?.scrollIntoView({ block: 'nearest' });
  }, [isCurrent]);
  return (
    <tr ref={line} class={isCurrent ? 'current' : ''} aria-selected={isCurrent} aria-rowindex={props.index}>
      {COLUMNS.map((column) => (
        <Cell key={column.sort} column={column} row={row} />
      ))}
      <td class="end">
        <ActButton
          class="button small quiet"
          why={props.why}
          label={`Disconnect ${row.user ?? row.peer}`}
          onAct={() => props.onKick(row)}
        >
          Kick
        </ActButton>
      </td>
    </tr>
  );
};

export const SessionTable = (props: {
  readonly rows: readonly SessionRow[];
  /** Of the first row, in all of them. */
  readonly offset: number;
  /** The row with the cursor; -1: none. */
  readonly current: number;
  readonly total: number;
  readonly sorting: Sorting;
  readonly isKnown: boolean;
  readonly onSort: (column: SessionSort) => void;
  readonly onKick: (row: SessionRow) => void;
}) => {
  const { rows } = props;
  const { why } = useMay('operate');
  const onKick = useRef(props.onKick);
  onKick.current = props.onKick;
  return (
    <div class="card scroll">
      <table class="table sessions" aria-rowcount={props.total + 1}>
        <caption class="unseen">Sessions; the arrow keys move the cursor, Enter opens</caption>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <Head key={column.sort} column={column} sorting={props.sorting} onSort={props.onSort} />
            ))}
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Line
              key={row.id}
              row={row}
              index={props.offset + index + 2}
              isCurrent={index === props.current}
              why={why}
              onKick={(one) => onKick.current(one)}
            />
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p class="empty">{props.isKnown ? 'No session.' : 'Asking…'}</p>}
    </div>
  );
};
