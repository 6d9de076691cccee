export interface DebOptions {
  /** The folder it goes to. */
  readonly output: string;
  /** The time of everything in it, in seconds. */
  readonly epoch: number;
  readonly compression?: 'xz' | 'gzip' | 'none';
}
export function buildDeb(options: DebOptions): Promise<string>;
