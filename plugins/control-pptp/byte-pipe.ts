/** What the reader of a pipe is told. */
export interface PipeReader {
  /** `bytes` are borrowed until return. */
  bytes(bytes: Uint8Array): void;
  /** Called once; nothing follows. */
  closed(detail: string): void;
}

/** One end of a reliable, ordered stream of octets in both directions: what a control connection runs over. */
export interface BytePipe {
  /** Takes the octets over. Ignored after `end` and `abort`. */
  write(bytes: Uint8Array): void;
  /** Closes this side behind what was written. */
  end(): void;
  abort(): void;
  /** Called once, before anything can arrive. */
  read(reader: PipeReader): void;
}
