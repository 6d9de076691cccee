import type { AdminReply } from '../../gateway/admin/client.ts';
import { EventStream, type ServerEvent } from '../../gateway/cli/event-stream.ts';

const MOST_SAID = 4096;

/** Reads a stream of server-sent events, one after the other. */
export class EventReader {
  private readonly stream: AdminReply['stream'];
  private readonly events: ServerEvent[] = [];
  private wake: () => void = () => undefined;
  private over = false;
  private said = '';

  constructor({ stream }: Pick<AdminReply, 'stream'>) {
    this.stream = stream;
    const parser = new EventStream();
    stream.on('data', (piece: Uint8Array) => {
      this.said = (this.said + Buffer.from(piece).toString('utf8')).slice(-MOST_SAID);
      this.events.push(...parser.push(piece));
      this.wake();
    });
    const end = (): void => {
      this.over = true;
      this.wake();
    };
    stream.on('end', end);
    stream.on('error', end);
    stream.on('close', end);
  }

  /** What happens from now on is for this reader. */
  async ready(): Promise<void> {
    while (!this.said.includes(': ready\n') && !this.over) await this.more();
  }

  /** Undefined: the stream has ended. */
  async next(): Promise<ServerEvent | undefined> {
    while (this.events.length === 0 && !this.over) await this.more();
    return this.events.shift();
  }

  /** The data of the next event, which must have this name. */
  async expect<T>(name: string): Promise<T> {
    const found = await this.next();
    if (found?.event !== name) throw new Error(`${found?.event ?? 'the end'} came, and no ${name}`);
    return JSON.parse(found.data) as T;
  }

  /** Events that have come and were not taken. */
  get waiting(): number {
    return this.events.length;
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  close(): void {
    this.stream.destroy();
  }
}
