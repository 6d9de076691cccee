export interface ServerEvent {
  /** "message" where none was named. */
  readonly event: string;
  readonly data: string;
}

/** A line or an event that grows beyond this is given up. */
const MOST_CHARS = 8 << 20;

/** The text/event-stream of the HTML standard, in pieces as they come. Comments, ids and retry times are passed over. */
export class EventParser {
  private rest = '';
  private event = '';
  private data: string[] = [];
  private size = 0;

  push(text: string): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    // A CR at the end may be the first half of a line end.
    const all = this.rest + text;
    const lines = all.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    if (this.rest.length > MOST_CHARS) this.reset();
    for (const line of lines) {
      const found = this.line(line);
      if (found !== undefined) events.push(found);
    }
    return events;
  }

  private line(line: string): ServerEvent | undefined {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    if (field === 'data') {
      this.size += value.length;
      if (this.size > MOST_CHARS) this.reset();
      else this.data.push(value);
    }
    return undefined;
  }

  private dispatch(): ServerEvent | undefined {
    const { event, data } = this;
    this.event = '';
    this.data = [];
    this.size = 0;
    return data.length === 0 ? undefined : { event: event === '' ? 'message' : event, data: data.join('\n') };
  }

  private reset(): void {
    this.rest = '';
    this.event = '';
    this.data = [];
    this.size = 0;
  }
}
