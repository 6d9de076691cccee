/** A terminal as a full-screen view needs it. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Whether colours are wanted (NO_COLOR). */
  readonly colour: boolean;
  write(text: string): void;
  /** Hears what is typed, key by key, and of each change of the size, until the result is called. */
  attach(listener: { key(text: string): void; resized(): void }): () => void;
}

/** Where passwords come from and lines go; a terminal in production, arrays in tests. */
export interface CliTerminal {
  /** Standard output, one line. */
  out(line: string): void;
  /** Standard error, one line. */
  err(line: string): void;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  /** Asks without echo. Rejects with `Interrupted` at Ctrl-C, with GatewayError USER_INVALID when nothing comes. */
  ask(prompt: string): Promise<string>;
  /** Asks for yes or no; anything but yes is no. Rejects with `Interrupted` at Ctrl-C. */
  confirm(question: string): Promise<boolean>;
  /** Everything on standard input. */
  readInput(): Promise<string>;
  /** Undefined where standard input or output is no terminal. */
  readonly screen: Screen | undefined;
  /** Draws a line over the one before, '' takes it away; undefined where standard error is no terminal. */
  readonly progress: ((line: string) => void) | undefined;
  /** Calls `handler` for each SIGINT, SIGTERM and SIGHUP until the result is called. */
  onInterrupt(handler: () => void): () => void;
}
