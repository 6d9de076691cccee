import type { AdminReply } from '../../gateway/admin/client.ts';
import { EventStream, type ServerEvent } from '../../gateway/cli/event-stream.ts';

/** Reads a stream of server-sent events, one after the other. */
export class EventReader {
  private readonly stream: AdminReply['stream'];
  private readonly events: ServerEvent[] = [];
  private wake: () => void = () => undefined;
  private over = false;

  constructor({ stream }: Pick<AdminReply, 'stream'>) {
    this.stream = stream;
    const parser = new EventStream();
    stream.on('data', (piece: Uint8Array) => {
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

  /** Undefined: the stream has ended. */
  async next(): Promise<ServerEvent | undefined> {
    while (this.events.length === 0 && !this.over) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
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

  close(): void {
    this.stream.destroy();
  }
}
