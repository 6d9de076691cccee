import { SESSION_SORTS, type SessionSort, type SessionsPage } from '../admin/api/sessions.ts';
import type { ScreenLine } from './full-screen.ts';
import type { LiveView, Size } from './live-view.ts';
import { queryOf } from './running-gateway.ts';
import { SESSIONS_PATH, type SessionFilter } from './session-query.ts';
import { sessionColumns } from './session-table.ts';
import { tableOf } from './table.ts';
import { safeText } from './text.ts';
import { countText } from './units.ts';

const KEYS = 'q quit  < > sort  r reverse  w wide  ↑ ↓ scroll  space pause';
/** Title, heading, and the keys below. */
const AROUND = 3;
const UP: ReadonlySet<string> = new Set(['\u001b[A', '\u001bOA', 'k']);
const DOWN: ReadonlySet<string> = new Set(['\u001b[B', '\u001bOB', 'j']);
const LEFT: ReadonlySet<string> = new Set(['\u001b[D', '\u001bOD', '<', ',']);
const RIGHT: ReadonlySet<string> = new Set(['\u001b[C', '\u001bOC', '>', '.']);
const PAGE_UP = '\u001b[5~';
const PAGE_DOWN = '\u001b[6~';

/** The sessions as a table over the whole terminal. */
export class SessionView implements LiveView<SessionsPage> {
  readonly event = 'sessions';
  private readonly filter: SessionFilter;
  private sort: SessionSort;
  private descending: boolean;
  private wide: boolean;
  private offset = 0;
  private page: SessionsPage | undefined;
  private isPaused = false;
  private rows = 1;

  constructor(filter: SessionFilter, wide: boolean) {
    this.filter = filter;
    this.wide = wide;
    const { sort = '-rateIn' } = filter;
    this.descending = sort.startsWith('-');
    this.sort = SESSION_SORTS.find((name) => name === sort.replace(/^-/, '')) ?? 'openedAt';
  }

  path({ rows }: Size): string {
    this.rows = Math.max(1, rows - AROUND);
    const sort = `${this.descending ? '-' : ''}${this.sort}`;
    return `${SESSIONS_PATH}/stream${queryOf({ ...this.filter, sort, offset: this.offset, limit: this.rows })}`;
  }

  show(page: SessionsPage): void {
    if (this.isPaused) return;
    this.page = page;
    // Sessions ended, and what was looked at is behind the last one.
    if (page.sessions.length === 0 && page.total > 0) this.scroll(0);
  }

  key(key: string): void {
    if (LEFT.has(key)) this.turnSort(-1);
    else if (RIGHT.has(key)) this.turnSort(1);
    else if (key === 'r') this.descending = !this.descending;
    else if (key === 'w') this.wide = !this.wide;
    else if (key === ' ') this.isPaused = !this.isPaused;
    else if (UP.has(key)) this.scroll(-1);
    else if (DOWN.has(key)) this.scroll(1);
    else if (key === PAGE_UP) this.scroll(-this.rows);
    else if (key === PAGE_DOWN) this.scroll(this.rows);
  }

  lines({ rows }: Size, trouble: string | undefined): readonly ScreenLine[] {
    const { page } = this;
    const sessions = (page?.sessions ?? []).slice(0, this.rows);
    const columns = sessionColumns(sessions, this.wide).map((column) =>
      column.sort === this.sort ? { ...column, title: `${column.title}${this.descending ? '▼' : '▲'}` } : column,
    );
    const [head = '', ...body] = tableOf(columns, sessions);
    const filled = Math.max(0, rows - AROUND - body.length);
    return [
      trouble === undefined
        ? { text: this.title() }
        : { text: `${safeText(trouble)}; trying again`, style: 'warning' as const },
      { text: head, style: 'head' },
      ...body.map((text) => ({ text })),
      ...Array.from({ length: filled }, () => ({ text: '' })),
      { text: KEYS, style: 'dim' },
    ];
  }

  private title(): string {
    const { page } = this;
    const total = page?.total ?? 0;
    const last = this.offset + (page?.sessions.length ?? 0);
    const part = total > last - this.offset ? `, ${Math.min(this.offset + 1, last)} to ${last}` : '';
    const { sort: _sort, ...filter } = this.filter;
    const only = Object.entries(filter).map(([name, value]) => ` ${name}=${safeText(String(value))}`);
    const missing = page?.missing === undefined ? '' : `, without worker ${page.missing.join(', ')}`;
    const paused = this.isPaused ? ', paused' : '';
    return `${countText(total, 'session')}${part} by ${this.sort}${only.join('')}${missing}${paused}`;
  }

  private turnSort(by: number): void {
    const at = SESSION_SORTS.indexOf(this.sort);
    this.sort = SESSION_SORTS.at((at + by) % SESSION_SORTS.length) ?? this.sort;
  }

  private scroll(by: number): void {
    const last = Math.max(0, (this.page?.total ?? 0) - this.rows);
    this.offset = Math.min(last, Math.max(0, this.offset + by));
  }
}
