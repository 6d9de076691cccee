import type { RateLimit, RateLimits } from '../../../core/ports/profile.ts';

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const MOST = 1e12;

/** "10M": bits a second; 0 is "not limited". Undefined: no such number. */
export const parseRate = (text: string): number | undefined => {
  const [, digits, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)([kKmMgG]?)$/.exec(text) ?? [];
  const factor = FACTORS[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const rate = Math.round(Number(digits) * factor);
  return rate > MOST ? undefined : rate;
};

const limit = (bitsPerSecond: number): RateLimit | undefined => (bitsPerSecond === 0 ? undefined : { bitsPerSecond });

export const rateLimits = (up: number, down: number): RateLimits => {
  const upward = limit(up);
  const downward = limit(down);
  return {
    ...(upward === undefined ? {} : { up: upward }),
    ...(downward === undefined ? {} : { down: downward }),
  };
};

/** "10M/50M": from the user, then to the user; one number is both. Undefined: not of this form. */
export const parseRates = (text: string): RateLimits | undefined => {
  const parts = text.split('/');
  const up = parseRate(parts[0] ?? '');
  const down = parts.length === 1 ? up : parseRate(parts[1] ?? '');
  return parts.length > 2 || up === undefined || down === undefined ? undefined : rateLimits(up, down);
};
