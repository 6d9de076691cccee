/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** "message" if the stream does not say. */
  readonly event: string;
  readonly data: string;
}

/** An event that is longer is left out: no gateway of ours sends one. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

/** Takes a stream of server-sent events apart, however its octets are cut into pieces. */
export class EventStream {
  private readonly decoder = new TextDecoder();
  private rest = '';
  private name = '';
  private lines: string[] = [];
  private size = 0;
  private afterReturn = false;

  /** The events that are complete with this piece. */
  push(piece: Uint8Array): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    let text = this.decoder.decode(piece, { stream: true });
    // A line feed right behind a carriage return ends no second line, also in the next piece.
    if (this.afterReturn && text.startsWith('\n')) text = text.slice(1);
    if (text !== '') this.afterReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    for (const [index, part] of lines.entries()) {
      if (index > 0) this.endLine(events);
      this.grow(part);
    }
    return events;
  }

  private grow(part: string): void {
    this.size += part.length;
    if (this.size <= MOST_CHARACTERS) this.rest += part;
  }

  private endLine(events: ServerEvent[]): void {
    const line = this.rest;
    this.rest = '';
    if (line !== '') {
      this.field(line);
      // Comments that keep the connection alive belong to no event.
      if (this.lines.length === 0) this.size = this.name.length;
      return;
    }
    if (this.lines.length > 0 && this.size <= MOST_CHARACTERS) {
      events.push({ event: this.name === '' ? 'message' : this.name, data: this.lines.join('\n') });
    }
    this.name = '';
    this.lines = [];
    this.size = 0;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    const [name, after] = colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
    const value = after.startsWith(' ') ? after.slice(1) : after;
    if (name === 'event') this.name = value;
    else if (name === 'data') this.lines.push(value);
  }
}
