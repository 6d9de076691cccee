/** Times of the week in a time zone. */

const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const WEEK_MINUTES = 7 * DAY_MINUTES;

export interface TimeWindow {
  /** 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  /** Minutes of the day; where `to` is not behind `from` the window ends on the next day. */
  readonly from: number;
  readonly to: number;
}

/** "Mon-Fri 07:00-19:00", "Sat,Sun 22:00-06:00", "daily 00:00-24:00". */
export const parseWindow = (value: unknown): TimeWindow | undefined => {
  const match = /^([a-z,-]+) (\d{2}):(\d{2})-(\d{2}):(\d{2})$/.exec(String(value).toLowerCase().trim());
  if (match === null) return undefined;
  const [, days = '', ...times] = match;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = times.map(Number);
  const set = parseDays(days);
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  if (set === undefined || fromMinute > 59 || toMinute > 59 || from >= DAY_MINUTES || to > DAY_MINUTES)
    return undefined;
  return from === to ? undefined : { days: set, from, to };
};

const parseDays = (text: string): ReadonlySet<number> | undefined => {
  if (text === 'daily') return new Set([0, 1, 2, 3, 4, 5, 6]);
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first, more] = part.split('-');
    const from = DAYS.indexOf(first);
    const to = DAYS.indexOf(last);
    if (from < 0 || to < 0 || more !== undefined) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return days;
};

/** Windows of one time zone. */
export class Timetable {
  private readonly windows: readonly TimeWindow[];
  private readonly format: Intl.DateTimeFormat;

  constructor(windows: readonly TimeWindow[], timeZone: string) {
    this.windows = windows;
    this.format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    });
  }

  /** `at` in ms since 1970. */
  isOpen(at: number): boolean {
    return this.isOpenAt(this.minuteOfWeek(at));
  }

  /** When the window that is open at `at` closes, in ms since 1970; undefined: never. */
  closesAt(at: number): number | undefined {
    let open = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    // Day by day, and one more than a week has where clocks are changed.
    for (let day = 0; day <= 8; day += 1) {
      const minute = this.minuteOfWeek(open);
      const minutes = this.minutesToClose(minute);
      if (minutes === undefined) return undefined;
      const step = Math.min(minutes, DAY_MINUTES);
      const next = open + step * MINUTE_MS;
      if (this.minuteOfWeek(next) !== (minute + step) % WEEK_MINUTES) {
        const closed = this.firstClosed(open, next);
        if (closed !== undefined) return closed;
      } else if (step === minutes) {
        return next;
      }
      open = next;
    }
    return open;
  }

  /** Minute by minute, since between the two the clocks are changed. */
  private firstClosed(open: number, end: number): number | undefined {
    for (let at = open + MINUTE_MS; at <= end; at += MINUTE_MS) if (!this.isOpen(at)) return at;
    return undefined;
  }

  private minutesToClose(minute: number): number | undefined {
    for (let ahead = 1; ahead <= WEEK_MINUTES; ahead += 1) {
      if (!this.isOpenAt((minute + ahead) % WEEK_MINUTES)) return ahead;
    }
    return undefined;
  }

  private isOpenAt(minuteOfWeek: number): boolean {
    const day = Math.floor(minuteOfWeek / DAY_MINUTES);
    const minute = minuteOfWeek % DAY_MINUTES;
    const before = (day + 6) % 7;
    return this.windows.some(({ days, from, to }) => {
      if (from < to) return days.has(day) && minute >= from && minute < to;
      return (days.has(day) && minute >= from) || (days.has(before) && minute < to);
    });
  }

  private minuteOfWeek(at: number): number {
    const parts = new Map(this.format.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = DAYS.indexOf((parts.get('weekday') ?? '').toLowerCase());
    return day * DAY_MINUTES + Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  }
}
