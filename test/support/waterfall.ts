import { type ExportedSpan, inOrder, type PlacedSpan, type SpanEvent } from './exported-span.ts';

export interface WaterfallOptions {
  readonly title: string;
  /** Spans whose attributes are shown below their bar, with the names of those that are worth the room. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** Spans whose events are listed below their bar. */
  readonly events?: readonly string[];
}

const WIDTH = 1160;
const NAMES = 330;
const HEAD = 92;
const ROW = 26;
const LINE = 17;
/** Letters of the monospaced details. */
const COLUMNS = 110;
const INDENT = ' '.repeat(10);
const CHART = WIDTH - NAMES - 90;
const COLOURS = ['#17b8be', '#7c6bd6', '#f0a23b', '#4d8fd6', '#6aa84f', '#c76a9b', '#9a8c52', '#5f7f99'];
const ERROR = '#d4380d';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** "2.04 s", "13.1 ms", "80 µs" */
export const durationText = (nanoseconds: number): string => {
  if (nanoseconds >= 1e9) return `${(nanoseconds / 1e9).toPrecision(3)} s`;
  if (nanoseconds >= 1e6) return `${(nanoseconds / 1e6).toPrecision(3)} ms`;
  return `${Math.round(nanoseconds / 1e3)} µs`;
};

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${Math.round(x)}" y="${Math.round(y)}"${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`;

const eventText = ({ name, attributes: { 'network.io.direction': way, ...others } }: SpanEvent): string =>
  [way, name, ...Object.entries(others).map(([attribute, value]) => `${attribute}=${String(value)}`)]
    .filter((part) => part !== undefined)
    .join('  ');

/** In lines that fit, those after the first indented. */
const wrapped = (line: string): string[] => {
  if (line.length <= COLUMNS) return [line];
  const space = line.lastIndexOf(' ', COLUMNS);
  const end = space > INDENT.length ? space : COLUMNS;
  return [line.slice(0, end), ...wrapped(`${INDENT}${line.slice(end).trimStart()}`)];
};

/** A trace drawn as trace viewers lay it out: a row per span, bars on a common time axis. Returns SVG. */
export const drawWaterfall = (spans: readonly ExportedSpan[], root: ExportedSpan, options: WaterfallOptions): string =>
  new Waterfall(inOrder(spans, root), root, options).draw();

class Waterfall {
  private readonly rows: readonly PlacedSpan[];
  private readonly root: ExportedSpan;
  private readonly options: WaterfallOptions;
  private readonly began: bigint;
  private readonly length: number;
  private readonly parts: string[] = [];
  private y = HEAD;

  constructor(rows: readonly PlacedSpan[], root: ExportedSpan, options: WaterfallOptions) {
    this.rows = rows;
    this.root = root;
    this.options = options;
    this.began = BigInt(root.start);
    const last = rows.reduce((latest, { span }) => Math.max(latest, this.since(span.end)), 1);
    this.length = last;
  }

  draw(): string {
    for (const [position, placed] of this.rows.entries()) this.row(placed, position);
    const height = this.y + 10;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1f2933">`,
      `<title>${escaped(this.options.title)}</title>`,
      `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
      ...this.head(height),
      ...this.parts,
      '</svg>',
      '',
    ].join('\n');
  }

  private head(height: number): string[] {
    const { service, name, traceId, start } = this.root;
    const depth = Math.max(...this.rows.map((placed) => placed.depth)) + 1;
    const began = new Date(Number(BigInt(start) / 1_000_000n)).toISOString();
    const facts = `start ${began}   duration ${durationText(this.length)}   depth ${depth}   spans ${this.rows.length}`;
    const parts = [
      text(14, 26, `${service}: ${name}`, 'font-size="17" font-weight="bold"'),
      text(WIDTH - 14, 26, traceId, 'text-anchor="end" font-family="monospace" font-size="12" fill="#697586"'),
      text(14, 48, facts, 'font-size="12" fill="#4b5563" xml:space="preserve"'),
      `<rect y="60" width="${WIDTH}" height="24" fill="#eef1f4"/>`,
      text(14, 77, 'Operation', 'font-weight="bold"'),
    ];
    for (const quarter of [0, 1, 2, 3, 4]) {
      const x = NAMES + (CHART * quarter) / 4;
      parts.push(
        text(
          x + 4,
          77,
          quarter === 0 ? '0' : durationText((this.length * quarter) / 4),
          'font-size="12" fill="#4b5563"',
        ),
        `<line x1="${x}" y1="60" x2="${x}" y2="${height}" stroke="#e1e5ea"/>`,
      );
    }
    return parts;
  }

  private row({ span, depth }: PlacedSpan, position: number): void {
    const { y } = this;
    const failed = span.status.code === 2;
    const colour = COLOURS[position % COLOURS.length] ?? '#17b8be';
    const x = this.x(span.start);
    const width = Math.max(this.x(span.end) - x, 2);
    const indent = 14 + depth * 18;
    this.parts.push(
      `<line x1="0" y1="${y + ROW}" x2="${WIDTH}" y2="${y + ROW}" stroke="#eef1f4"/>`,
      `<rect x="${indent}" y="${y + 5}" width="3" height="16" fill="${colour}"/>`,
      text(indent + 9, y + 18, span.name, 'class="span"'),
      `<rect x="${Math.round(x)}" y="${y + 7}" width="${Math.round(width)}" height="12" rx="2" fill="${colour}"/>`,
      text(
        x + width + 5,
        y + 18,
        durationText(this.since(span.end) - this.since(span.start)),
        'font-size="11" fill="#4b5563"',
      ),
    );
    if (failed) {
      this.parts.push(
        `<circle cx="${NAMES - 14}" cy="${y + 13}" r="7" fill="${ERROR}"/>`,
        text(NAMES - 14, y + 17, '!', 'text-anchor="middle" fill="#ffffff" font-size="11" font-weight="bold"'),
      );
    }
    for (const { at } of span.events) {
      const tick = Math.round(this.x(at));
      this.parts.push(
        `<line x1="${tick}" y1="${y + 4}" x2="${tick}" y2="${y + 22}" stroke="#1f2933" stroke-width="1.5"/>`,
      );
    }
    this.y += ROW;
    this.details(span, failed);
  }

  private details(span: ExportedSpan, failed: boolean): void {
    const wanted = this.options.attributes?.[span.name] ?? [];
    const lines = wanted
      .filter((name) => name in span.attributes)
      .map((name) => `${name} = ${String(span.attributes[name])}`);
    if (failed && wanted.length > 0) lines.unshift(`status = error: ${span.status.message ?? ''}`);
    if (wanted.includes('links'))
      lines.push(...span.links.map(({ traceId }) => `link to the set-up: trace ${traceId}`));
    if (this.options.events?.includes(span.name) === true) {
      for (const one of span.events) lines.push(`${durationText(this.since(one.at)).padStart(8)}  ${eventText(one)}`);
    }
    const drawn = lines.flatMap(wrapped);
    if (drawn.length === 0) return;
    const height = drawn.length * LINE + 10;
    this.parts.push(`<rect x="${NAMES}" y="${this.y}" width="${WIDTH - NAMES}" height="${height}" fill="#f7f9fb"/>`);
    for (const [position, line] of drawn.entries()) {
      const style = 'font-family="monospace" font-size="12" xml:space="preserve"';
      this.parts.push(text(NAMES + 10, this.y + 18 + position * LINE, line, style));
    }
    this.y += height;
  }

  private since(time: string): number {
    return Number(BigInt(time) - this.began);
  }

  private x(time: string): number {
    return NAMES + (CHART * Math.max(this.since(time), 0)) / this.length;
  }
}
