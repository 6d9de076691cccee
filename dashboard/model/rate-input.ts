const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** What the gateway takes. */
const MOST = 1e12;

/** Bits a second of "512k", "10 Mbit/s" or "2500000"; undefined: it is none. */
export const parseRate = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:bit(?:\/s|s)?|bps)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = '', unit = ''] = match;
  const value = Math.round(Number(digits) * (FACTORS[unit.toLowerCase()] ?? 1));
  return value > 0 && value <= MOST ? value : undefined;
};
