import { InvalidArgumentError } from 'commander';
import { parseIpv4 } from '../../core/bytes/ipv4-address.ts';

const STEPS = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** Three digits or so: "999", "1.2 k", "12.3 M", "123 G". */
const scaled = (value: number, unit: string): string => {
  let [rest, step] = [Math.max(0, value), 0];
  // What rounds to 1000 is 1.0 of the next step.
  while (rest >= 999.5 && step < STEPS.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const digits = step > 0 && rest < 99.95 ? 1 : 0;
  return `${rest.toFixed(digits)} ${STEPS[step] ?? ''}${unit}`;
};

/** "1.2 GB", of a decimal thousand. */
export const octetsText = (octets: number): string => scaled(octets, 'B');
/** Octets a second as "10.4 Mbit/s". */
export const bitRateText = (octetsPerSecond: number): string => scaled(octetsPerSecond * 8, 'bit/s');
/** Bits a second as "10.0 Mbit/s". */
export const bitsText = (bitsPerSecond: number): string => scaled(bitsPerSecond, 'bit/s');
export const packetRateText = (perSecond: number): string => `${scaled(perSecond, '').trimEnd()} packets/s`;
export const percentText = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

const SPANS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** Its two greatest units: "3 h 12 min", "2 d 4 h", "12 s". */
export const durationText = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const first = SPANS.findIndex(([span]) => whole >= span);
  if (first === -1) return '0 s';
  let rest = whole;
  const parts: string[] = [];
  for (const [span, unit] of SPANS.slice(first, first + 2)) {
    const count = Math.floor(rest / span);
    rest -= count * span;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
};

/** "1 session", "2 sessions". */
export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

const parseScaled = (text: string, unit: RegExp): number | undefined => {
  const [, digits = '', step = ''] = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)/i.exec(text) ?? [];
  const value = Math.round(Number(digits) * (FACTORS[step.toLowerCase()] ?? Number.NaN));
  const rest = text.slice(digits.length).replace(/^\s*[kmgt]?/i, '');
  return digits !== '' && unit.test(rest) && Number.isSafeInteger(value) ? value : undefined;
};

/** "10M" or "10 Mbit/s" in bits a second. Throws InvalidArgumentError. */
export const parseBitRate = (text: string): number => {
  const rate = parseScaled(text, /^(bit(\/s)?)?$/i);
  if (!rate) throw new InvalidArgumentError('A rate in bits a second, such as 512k, 10M or 1.5G.');
  return rate;
};

/** "5G" or "5 GB" in octets. Throws InvalidArgumentError. */
export const parseOctets = (text: string): number => {
  const octets = parseScaled(text, /^b?$/i);
  if (!octets) throw new InvalidArgumentError('An amount of octets, such as 500M or 5G.');
  return octets;
};

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "90s", "10m", "2h", "7d" or seconds alone, `days` at most. Throws InvalidArgumentError. */
export const parseSpan =
  (days: number) =>
  (text: string): number => {
    const [, digits = '', unit = ''] = /^(\d{1,8})([smhd]?)$/.exec(text) ?? [];
    const seconds = digits === '' ? Number.NaN : Number(digits) * (UNIT_SECONDS[unit || 's'] ?? 1);
    if (seconds <= days * 86_400) return seconds;
    throw new InvalidArgumentError(`A time such as 90s, 10m or 2h, ${countText(days, 'day')} at most.`);
  };

/** An IPv4 address. Throws InvalidArgumentError. */
export const parseAddress = (text: string): string => {
  if (parseIpv4(text) === undefined) throw new InvalidArgumentError('An IPv4 address such as 203.0.113.7.');
  return text;
};

/** A whole number between the two. Throws InvalidArgumentError. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`A whole number from ${least} to ${most}.`);
    return value;
  };
