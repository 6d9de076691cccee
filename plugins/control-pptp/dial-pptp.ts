import type { BytePipe } from './byte-pipe.ts';
import { PipeControl, type PipeControlDeps, type PipeControlOptions, type PipeEnds } from './pipe-control.ts';

/** A TCP connection (or its like) to a server's control port. */
export interface DialledPipe {
  readonly pipe: BytePipe;
  readonly ends: PipeEnds;
}

/** The client's (PNS) control connection: one connection, one call that it places itself, and it ends with the call. */
export class DialPptp extends PipeControl {
  override readonly name = 'dial-pptp';
  private readonly line: DialledPipe;

  constructor(deps: PipeControlDeps, options: Partial<Omit<PipeControlOptions, 'role'>>, line: DialledPipe) {
    super(deps, { ...options, role: 'pns' });
    this.line = line;
  }

  override start(): Promise<void> {
    this.attach(this.line.pipe, this.line.ends);
    return Promise.resolve();
  }
}
