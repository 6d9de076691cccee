import type { Screen } from './terminal.ts';
import { cutText } from './text.ts';

export type LineStyle = 'plain' | 'head' | 'dim' | 'warning';

/** A line of a full-screen view. Its text must be safe. */
export interface ScreenLine {
  readonly text: string;
  readonly style?: LineStyle;
}

const ESCAPE = '\u001b';
const ENTER = `${ESCAPE}[?1049h${ESCAPE}[?25l`;
const LEAVE = `${ESCAPE}[?25h${ESCAPE}[?1049l`;
const HOME = `${ESCAPE}[H`;
const CLEAR_LINE = `${ESCAPE}[K`;
const CLEAR_BELOW = `${ESCAPE}[J`;
const RESET = `${ESCAPE}[0m`;
const COLOURS: Readonly<Record<LineStyle, string>> = {
  plain: '',
  head: `${ESCAPE}[7m`,
  dim: `${ESCAPE}[2m`,
  warning: `${ESCAPE}[31m`,
};

const KEY = new RegExp(`${ESCAPE}[[O][0-9;]*[A-Za-z~]|[\\s\\S]`, 'gu');
/** Keys in what a terminal sends at once: escape sequences are one key each. */
export const keysOf = (typed: string): readonly string[] => typed.match(KEY) ?? [];

/** What a terminal shows while a view has it to itself, and gives back as it was. */
export class FullScreen {
  private readonly screen: Screen;

  constructor(screen: Screen) {
    this.screen = screen;
  }

  enter(): void {
    this.screen.write(ENTER);
  }

  leave(): void {
    this.screen.write(LEAVE);
  }

  /** In one write, over what was there: nothing flickers. What does not fit is cut. */
  draw(lines: readonly ScreenLine[]): void {
    const { columns, rows, colour } = this.screen;
    const drawn = lines.slice(0, rows).map(({ text, style = 'plain' }) => {
      const cut = cutText(text, columns);
      const wanted = colour ? COLOURS[style] : '';
      return `${wanted === '' ? cut : `${wanted}${cut}${RESET}`}${CLEAR_LINE}`;
    });
    this.screen.write(`${HOME}${drawn.join('\r\n')}${drawn.length < rows ? `\r\n${CLEAR_BELOW}` : ''}`);
  }
}
