/** What would move the cursor, hide or reorder what stands beside it: controls, format characters, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const MARK = /^[\p{Mn}\p{Me}]$/u;

/** Blocks of characters that take two columns (East Asian Width W and F), and pictures. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1b000, 0x1b2ff],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

/** Text of peers as a terminal may have it: letters of all scripts stay, what could play tricks is written out. */
export const safeText = (text: string): string => text.replace(UNSAFE, escaped);

const columnsOf = (character: string): number => {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (MARK.test(character)) return 0;
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
};

/** Columns that safe text takes. */
export const textWidth = (text: string): number => {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
};

/** At most so many columns of it, with `…` in place of what is left out. */
export const cutText = (text: string, most: number): string => {
  if (textWidth(text) <= most) return text;
  if (most < 1) return '';
  let width = 1;
  let kept = '';
  for (const character of text) {
    width += columnsOf(character);
    if (width > most) break;
    kept += character;
  }
  return `${kept}…`;
};

const spaces = (count: number): string => ' '.repeat(Math.max(0, count));
export const padLeft = (text: string, width: number): string => spaces(width - textWidth(text)) + text;
export const padRight = (text: string, width: number): string => text + spaces(width - textWidth(text));
