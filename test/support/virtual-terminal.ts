import type { Screen } from '../../gateway/cli/terminal.ts';
import { textWidth } from '../../gateway/cli/text.ts';

const SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[(\\??)([0-9;]*)([A-Za-z])`, 'y');

/** A terminal that understands what full-screen views write, and shows it as lines. Anything else it is told throws. */
export class VirtualTerminal implements Screen {
  columns: number;
  rows: number;
  readonly colour: boolean;
  /** Whether the view has it to itself, and whether the cursor is to be seen. */
  alternate = false;
  cursor = true;
  /** How often colours were switched. */
  colours = 0;
  attached = 0;
  private grid: string[][] = [];
  private at = { row: 0, column: 0 };
  private listener: { key(text: string): void; resized(): void } | undefined;

  constructor(columns: number, rows: number, colour = false) {
    this.columns = columns;
    this.rows = rows;
    this.colour = colour;
  }

  /** What is to be seen, without the blanks at the ends of lines. */
  get lines(): readonly string[] {
    return Array.from({ length: this.rows }, (_, row) => (this.grid[row] ?? []).join('').trimEnd());
  }

  attach(listener: { key(text: string): void; resized(): void }): () => void {
    this.listener = listener;
    this.attached += 1;
    return () => {
      this.listener = undefined;
      this.attached -= 1;
    };
  }

  type(text: string): void {
    this.listener?.key(text);
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.listener?.resized();
  }

  write(text: string): void {
    for (let place = 0; place < text.length; ) {
      SEQUENCE.lastIndex = place;
      const found = SEQUENCE.exec(text);
      if (found !== null) {
        this.control(`${found[1] ?? ''}${found[2] ?? ''}${found[3] ?? ''}`);
        place += found[0].length;
        continue;
      }
      const character = String.fromCodePoint(text.codePointAt(place) ?? 0);
      this.put(character);
      place += character.length;
    }
  }

  private put(character: string): void {
    if (character === '\r') this.at.column = 0;
    else if (character === '\n') this.at.row += 1;
    else if (character < ' ') throw new Error(`the terminal was sent ${JSON.stringify(character)}`);
    else {
      const width = textWidth(character);
      if (this.at.column + width > this.columns) throw new Error('a line is longer than the terminal is wide');
      if (this.at.row >= this.rows) throw new Error('there are more lines than the terminal has');
      const line = this.grid[this.at.row] ?? [];
      while (line.length < this.at.column) line.push(' ');
      line[this.at.column] = character;
      for (let more = 1; more < width; more += 1) line[this.at.column + more] = '';
      this.grid[this.at.row] = line;
      this.at.column += width;
    }
  }

  private control(what: string): void {
    if (what === 'H') this.at = { row: 0, column: 0 };
    else if (what === 'K') this.grid[this.at.row] = (this.grid[this.at.row] ?? []).slice(0, this.at.column);
    else if (what === 'J') this.grid = this.grid.slice(0, this.at.row);
    else if (what === '?1049h' || what === '?1049l') this.alternate = what.endsWith('h');
    else if (what === '?25h' || what === '?25l') this.cursor = what.endsWith('h');
    else if (what.endsWith('m')) this.colours += 1;
    else throw new Error(`the terminal does not know ${what}`);
  }
}
