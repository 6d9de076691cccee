/** Numbers with units, for people. A place for what is not known. */
export const NOTHING = '–';

const DECIMAL = 1000;

/** Three digits that count: "1.23", "12.3", "123". */
const short = (value: number): string => {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1).replace(/\.0$/, '');
  return value.toFixed(2).replace(/\.?0+$/, '');
};

const scaled = (value: number, units: readonly string[]): string => {
  if (!Number.isFinite(value)) return NOTHING;
  let rest = Math.max(0, value);
  let step = 0;
  // 999.6 would be shown as "1000" of the smaller unit.
  while (rest >= DECIMAL - 0.5 && step < units.length - 1) {
    rest /= DECIMAL;
    step += 1;
  }
  const unit = units[step] ?? '';
  const digits = step === 0 ? String(Math.round(rest)) : short(rest);
  return unit === '' ? digits : `${digits} ${unit}`;
};

/** "1.5 MB" of octets. */
export const octets = (value: number): string => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB', 'PB']);

/** "12 Mbit/s" of octets a second. */
export const bitRate = (octetsPerSecond: number): string => bits(octetsPerSecond * 8);

/** "12 Mbit/s" of bits a second. */
export const bits = (bitsPerSecond: number): string =>
  scaled(bitsPerSecond, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);

/** "1.2k" where there is no room, and "950" as it is. */
export const compact = (value: number): string => scaled(value, ['', 'k', 'M', 'G', 'T', 'P']).replace(' ', '');

/** "12,345": a whole number. */
export const count = (value: number): string =>
  Number.isFinite(value) ? String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',') : NOTHING;

/** "45 %" of a part of one. */
export const percent = (part: number): string => {
  if (!Number.isFinite(part)) return NOTHING;
  const value = part * 100;
  if (value > 0 && value < 1) return '<1 %';
  if (value > 99 && value < 100) return '>99 %';
  return `${Math.round(value)} %`;
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "45 s", "3 min 05 s", "2 h 05 min", "3 d 04 h". */
export const duration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return NOTHING;
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${two(whole % MINUTE)} s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${two(Math.floor((whole % HOUR) / MINUTE))} min`;
  return `${Math.floor(whole / DAY)} d ${two(Math.floor((whole % DAY) / HOUR))} h`;
};

/** "340 µs", "12.3 ms", "1.2 s" of seconds. */
export const span = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return NOTHING;
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${short(seconds * 1000)} ms`;
  return seconds < MINUTE ? `${short(seconds)} s` : duration(seconds);
};

const two = (value: number): string => String(value).padStart(2, '0');

/** "14:03:09" of an ISO 8601 time or ms since 1970, where the reader is. */
export const clockTime = (when: string | number): string => {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return NOTHING;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

/** "2026-11-22 14:03:09", where the reader is. */
export const dateTime = (when: string | number): string => {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return NOTHING;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(when)}`;
};
