import type { BytePipe } from './byte-pipe.ts';
import { PipeControl, type PipeControlDeps, type PipeControlOptions, type PipeEnds } from './pipe-control.ts';

/** A TCP connection (or its like) to a server's control port. */
export interface DialledPipe {
  readonly pipe: BytePipe;
  readonly ends: PipeEnds;
}

export interface DialPptpOptions extends Partial<Omit<PipeControlOptions, 'role' | 'originates'>> {
  /** Be the PAC and announce the call (Incoming-Call-Request) instead of placing it as the PNS. */
  readonly incoming?: boolean;
}

/** The client's control connection: one connection, one call that it asks for itself, and it ends with the call. */
export class DialPptp extends PipeControl {
  override readonly name = 'dial-pptp';
  private readonly line: DialledPipe;

  constructor(deps: PipeControlDeps, { incoming = false, ...options }: DialPptpOptions, line: DialledPipe) {
    super(deps, { ...options, role: incoming ? 'pac' : 'pns', originates: true });
    this.line = line;
  }

  override start(): Promise<void> {
    this.attach(this.line.pipe, this.line.ends);
    return Promise.resolve();
  }
}
